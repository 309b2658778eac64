"""Idempotency-Key on uploads and bulk: once, after a crash too, and never told to a token that may do less."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from support.app import World

from trellis.api import bulk

NDJSON = {"content_type": "application/x-ndjson"}


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(r).encode() + b"\n" for r in rows)


def stored_files(world: World) -> int:
    return sum(p.is_file() for p in world.tenant.files.rglob("*"))


def test_repeated_upload_keeps_one_file(world: World) -> None:
    def send(data: bytes, name: str = "a.txt") -> Any:
        body = {"file": (io.BytesIO(data), name, "text/plain")}
        return world.bob.post("/files", data=body, content_type="multipart/form-data", headers={"Idempotency-Key": "f"})

    first, again = send(b"same"), send(b"same")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert (world.rows("t_file"), stored_files(world)) == (1, 1)
    for other in (send(b"other"), send(b"same", "b.txt")):
        assert (other.status_code, other.get_json()["error"]["code"]) == (409, "idempotency_conflict")
    assert (world.rows("t_file"), stored_files(world)) == (1, 1)


@pytest.mark.parametrize("mode", ["partial", "all_or_none"])
def test_repeated_bulk_request_writes_once_and_answers_the_same(world: World, mode: str) -> None:
    rows = [{"name": f"n{i}"} for i in range(2300)]
    if mode == "partial":
        rows[2250] = {"nme": "wrong"}

    def send(data: bytes = lines(rows)) -> Any:
        path = f"/records/contact/bulk?mode={mode}"
        return world.bob.post(path, data=data, headers={"Idempotency-Key": "b"}, **NDJSON)

    first, again = send(), send()
    assert first.status_code == 200 and "Idempotency-Replayed" not in first.headers
    assert again.get_data() == first.get_data()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert world.rows("o_contact") == 2300 - (mode == "partial")
    assert send(lines(rows[:5])).status_code == 409
    assert world.rows("o_contact") == 2300 - (mode == "partial")


def test_bulk_request_that_broke_off_goes_on_where_it_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = lines([{"name": f"n{i}"} for i in range(2500)])
    head = {"Idempotency-Key": "crash"}
    real, calls = bulk.write_chunk, []

    def breaking(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("the machine stopped")
        return real(*args)

    monkeypatch.setattr(bulk, "write_chunk", breaking)
    broken = world.bob.post("/records/contact/bulk", data=rows, headers=head, **NDJSON).get_data()
    assert b'"internal"' in broken and world.rows("o_contact") == 2000
    monkeypatch.setattr(bulk, "write_chunk", real)
    whole = world.bob.post("/records/contact/bulk", data=rows, headers=head, **NDJSON).get_data()
    assert [json.loads(line)["row"] for line in whole.splitlines()] == list(range(1, 2501))
    assert world.rows("o_contact") == 2500


def test_refused_batch_leaves_no_key_behind(world: World) -> None:
    head = {"Idempotency-Key": "again"}
    path = "/records/contact/bulk?mode=all_or_none"
    refused = world.bob.post(path, data=lines([{"name": "a"}, {}]), headers=head, **NDJSON)
    assert b'"refused"' in refused.get_data()
    mended = world.bob.post(path, data=lines([{"name": "a"}, {"name": "b"}]), headers=head, **NDJSON)
    assert b'"refused"' not in mended.get_data() and world.rows("o_contact") == 2


def test_answer_is_not_told_to_a_token_with_other_scopes(world: World) -> None:
    head = {"Idempotency-Key": "scoped"}
    first = world.bob.post("/records/contact", {"name": "Secret"}, headers=head)
    assert first.status_code == 201
    writer = world.token(world.bob.user, "write")
    told = writer.post("/records/contact", {"name": "Secret"}, headers=head)
    assert (told.status_code, told.get_json()["error"]["code"]) == (409, "idempotency_conflict")
    assert world.bob.post("/records/contact", {"name": "Secret"}, headers=head).get_data() == first.get_data()
