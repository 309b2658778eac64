"""Many records at once: composite, bulk, jobs, export."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa
from support.app import World

from trellis.jobs import Worker
from trellis.jobs.letters import dead_letters, revive
from trellis.jobs.worker import ATTEMPTS
from trellis.storage import system

NDJSON = {"content_type": "application/x-ndjson"}


def lines(rows: list[object]) -> bytes:
    return b"\n".join(json.dumps(r).encode() for r in rows)


def results(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


def test_composite_writes_related_records_in_one_transaction(world: World) -> None:
    done = world.bob.post(
        "/composite",
        {
            "operations": [
                {"op": "create", "object": "account", "body": {"name": "Acme"}, "as": "acme"},
                {
                    "op": "create",
                    "object": "contact",
                    "body": {"name": "of @{acme.name}", "account": "@{acme.id}"},
                    "as": "ada",
                },
                {"op": "update", "object": "contact", "id": "@{ada.id}", "version": 1, "body": {"name": "Ada"}},
                {"op": "create", "object": "notice", "body": {"name": "gone"}, "as": "n"},
                {"op": "delete", "object": "notice", "id": "@{n.id}"},
            ]
        },
    )
    assert done.status_code == 200, done.get_data(as_text=True)
    found = done.get_json()["results"]
    assert [r["action"] for r in found] == ["created", "created", "updated", "created", "deleted"]
    assert found[2]["record"]["account"] == found[0]["id"] and found[2]["record"]["name"] == "Ada"


def test_composite_tells_all_problems_and_writes_nothing(world: World) -> None:
    before = world.rows("t_change")
    refused = world.bob.post(
        "/composite",
        {
            "operations": [
                {"op": "create", "object": "notice", "body": {"name": "good"}},
                {"op": "create", "object": "account", "body": {"nme": "x"}, "as": "a"},
                {"op": "create", "object": "contact", "body": {"name": "x", "account": "@{a.id}"}},
                {"op": "update", "object": "contact", "id": "contact_zz", "body": {}},
                {"op": "delete", "object": "nope", "id": "x_1"},
            ]
        },
    )
    assert refused.status_code == 422
    found = refused.get_json()["error"]["details"]["operations"]
    assert {k: v["code"] for k, v in found.items()} == {
        "1": "invalid_record",
        "2": "unmet_reference",
        "3": "not_found",
        "4": "unknown_object",
    }
    assert set(found["1"]["fields"]) == {"nme", "name"}
    assert world.rows("t_change") == before


def test_partial_bulk_writes_the_good_rows(world: World) -> None:
    sent = [{"name": "a", "code": "1"}, {"name": "b", "code": "1"}, {"nme": "c"}, 5, {"name": "d"}]
    got = results(world.bob.post("/records/account/bulk", data=lines(sent) + b"\n{bad", **NDJSON).get_data())
    assert [r["action"] for r in got] == ["created", "refused", "refused", "refused", "created", "refused"]
    assert [r["row"] for r in got] == [1, 2, 3, 4, 5, 6]
    assert got[1]["errors"]["code"][0]["code"] == "not_unique" and got[5]["errors"]["_record"][0]["code"] == "bad_json"
    assert world.rows("o_account") == 2


def test_all_or_none_bulk_writes_nothing_when_a_row_is_wrong(world: World) -> None:
    got = results(
        world.bob.post(
            "/records/account/bulk?mode=all_or_none", data=lines([{"name": "a"}, {"nme": "c"}]), **NDJSON
        ).get_data()
    )
    assert [r["action"] for r in got] == ["not_written", "refused"]
    assert world.rows("o_account") == 0
    got = results(
        world.bob.post(
            "/records/account/bulk?mode=all_or_none", data=lines([{"name": "a"}, {"name": "c"}]), **NDJSON
        ).get_data()
    )
    assert [r["action"] for r in got] == ["created", "created"]


def test_bulk_updates_upserts_and_deletes(world: World) -> None:
    made = results(
        world.bob.post(
            "/records/account/bulk", data=lines([{"name": "a", "code": "K1"}, {"name": "b", "code": "k2"}]), **NDJSON
        ).get_data()
    )
    sent = [
        {"id": made[0]["id"], "name": "A"},
        {"id": made[1]["id"], "version": 7, "name": "B"},
        {"id": 5},
        {"id": "account_zz"},
    ]
    got = results(world.bob.post("/records/account/bulk?operation=update", data=lines(sent), **NDJSON).get_data())
    assert [r["action"] for r in got] == ["updated", "refused", "refused", "refused"]
    sent = [
        {"code": "k1", "name": "upper"},
        {"code": "k3", "name": "new"},
        {"code": "K3", "name": "again"},
        {"name": "keyless"},
        {"code": 5, "name": "x"},
    ]
    got = results(
        world.bob.post("/records/account/bulk?operation=upsert&key=code", data=lines(sent), **NDJSON).get_data()
    )
    assert [r["action"] for r in got] == ["updated", "created", "updated", "refused", "refused"]
    hidden = results(
        world.eve.post("/records/account/bulk?operation=upsert&key=code", data=lines(sent[:1]), **NDJSON).get_data()
    )
    assert hidden[0]["errors"]["code"][0]["code"] == "not_unique"
    sent = [{"id": made[0]["id"]}, {"id": made[0]["id"]}, {"id": "x"}, {"id": made[1]["id"], "name": "x"}]
    got = results(world.bob.post("/records/account/bulk?operation=delete", data=lines(sent), **NDJSON).get_data())
    assert [r["action"] for r in got] == ["deleted", "refused", "refused", "refused"]


def test_csv_is_read_as_files_write_it(world: World) -> None:
    text = '\ufeffname,amount,active,notes\r\nAcme,USD 12.30,yes,"two\nlines"\r\nB,,,\r\nC,1\r\nD,x,maybe,\r\n'
    got = results(world.bob.post("/records/account/bulk", data=text.encode(), content_type="text/csv").get_data())
    assert [r["action"] for r in got] == ["created", "created", "refused", "refused"]
    assert set(got[3]["errors"]) == {"amount", "active"}
    assert world.bob.get(f"/records/account/{got[1]['id']}").get_json()["active"] is True
    for wrong in (b"", b"nme\nx\n", b"name,name\nx,y\n", b"\xff\xfe", b'"name\n'):
        assert world.bob.post("/records/account/bulk", data=wrong, content_type="text/csv").status_code == 400, wrong


def test_wrong_bulk_requests_are_refused(world: World) -> None:
    cases = [
        ("?operation=crate", 400),
        ("?mode=some", 400),
        ("?operation=upsert", 400),
        ("?operation=upsert&key=name", 422),
        ("?key=code", 400),
        ("?async=maybe", 400),
        ("?asinc=true", 400),
    ]
    for query, status in cases:
        assert world.bob.post(f"/records/account/bulk{query}", data=b"{}", **NDJSON).status_code == status, query
    assert world.bob.post("/records/account/bulk", data=b"{}", content_type="application/json").status_code == 415
    assert world.bob.post("/records/nope/bulk", data=b"{}", **NDJSON).status_code == 404
    assert world.eve.post("/records/user/bulk", data=lines([{"name": "x"}]), **NDJSON).status_code == 403


def test_job_writes_in_the_background_once(world: World) -> None:
    sent = lines([{"name": f"n{i}"} if i % 10 else {"nme": "x"} for i in range(2500)])
    head = {"Idempotency-Key": "job"}
    first = world.bob.post("/records/contact/bulk?async=true", data=sent, headers=head, **NDJSON)
    assert first.status_code == 202
    again = world.bob.post("/records/contact/bulk?async=true", data=sent, headers=head, **NDJSON)
    assert again.get_json() == first.get_json() and world.rows("t_file") == 1
    assert world.bob.post("/records/contact/bulk?async=true", data=b"{}", headers=head, **NDJSON).status_code == 409
    assert world.rows("t_file") == 1
    Worker(world.tenant).run_until_idle()
    job = world.bob.get(first.headers["Location"].removeprefix("/api/v1")).get_json()
    assert (job["state"], job["done"], job["total"], job["refused"]) == ("done", 2500, 2500, 250)
    got = results(world.bob.get(f"/jobs/{job['id']}/results").get_data())
    assert [r["row"] for r in got] == list(range(1, 2501)) and sum(r["action"] == "created" for r in got) == 2250
    assert world.rows("o_contact") == 2250 and world.rows("t_file") == 0
    assert world.rows("t_outbox") == 1


def test_job_goes_on_where_it_was_interrupted(world: World, monkeypatch: object) -> None:
    from trellis.bulk import background

    job = world.bob.post(
        "/records/contact/bulk?async=true", data=lines([{"name": f"n{i}"} for i in range(2500)]), **NDJSON
    ).get_json()["id"]
    real, calls = background.write_chunk, []

    def failing(tx: object, order: object, rows: object) -> object:
        calls.append(1)
        found = real(tx, order=order, rows=rows)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return found

    monkeypatch.setattr(background, "write_chunk", failing)
    worker = Worker(world.tenant)
    worker.run_once()
    state = world.bob.get(f"/jobs/{job}").get_json()
    assert (state["state"], state["done"], world.rows("o_contact")) == ("ready", 1000, 1000)
    assert "power cut" not in json.dumps(state)
    with world.tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(due_at=world.tenant.clock.now()))
    worker.run_until_idle()
    assert world.bob.get(f"/jobs/{job}").get_json()["state"] == "done"
    assert world.rows("o_contact") == 2500
    assert [r["row"] for r in results(world.bob.get(f"/jobs/{job}/results").get_data())] == list(range(1, 2501))


def _enqueue(world: World, topic: str) -> int:
    from trellis.access import Cause
    from trellis.access.principal import SYSTEM

    return int(world.tenant.run(SYSTEM, Cause("test"), lambda tx: tx.trail.enqueue(topic, {})))


def test_hopeless_work_becomes_a_dead_letter_with_a_reason(world: World) -> None:
    job = _enqueue(world, "nobody_listens")
    Worker(world.tenant).run_until_idle()
    letter = dead_letters(world.tenant)[0]
    assert (letter["id"], letter["reason"]) == (job, "Nothing handles the topic 'nobody_listens'.")
    assert revive(world.tenant, job) and not revive(world.tenant, job)


def test_two_workers_never_hold_one_row_and_a_lost_lease_is_taken_over(world: World) -> None:
    Worker(world.tenant).run_until_idle()
    ids = {_enqueue(world, "bulk") for _ in range(6)}
    one, two = Worker(world.tenant, batch=3), Worker(world.tenant, batch=6)
    first, second = one._claim(), two._claim()
    assert {j.id for j in first} | {j.id for j in second} == ids and len(first) == len(second) == 3
    assert Worker(world.tenant)._claim() == []
    with world.tenant.database.writing() as connection:
        past = world.tenant.clock.now() - timedelta(seconds=1)
        connection.execute(system.outbox.update().where(system.outbox.c.id == first[0].id).values(leased_until=past))
    assert [j.id for j in two._claim()] == [first[0].id]
    one._finish(first[0])
    with world.tenant.database.reading() as connection:
        state = connection.execute(
            sa.select(system.outbox.c.state).where(system.outbox.c.id == first[0].id)
        ).scalar_one()
    assert state == "running"
    assert ATTEMPTS > 1


def test_export_streams_what_the_caller_may_read(world: World) -> None:
    sent = world.bob.post("/records/contact/bulk", data=lines([{"name": f"n{i:04}"} for i in range(1500)]), **NDJSON)
    assert len(results(sent.get_data())) == 1500
    got = results(world.eve.get("/records/contact/export?fields=name").get_data())
    assert sorted(r["name"] for r in got) == [f"n{i:04}" for i in range(1500)]
    only = json.dumps({"field": "name", "op": "<", "value": "n0003"})
    text = world.eve.get(f"/records/contact/export?format=csv&fields=name&filter={only}").get_data(as_text=True)
    assert text.splitlines()[-1].endswith("n0002") and len(text.splitlines()) == 4
    for query, status in (
        ("format=doc", 400),
        ("fields=nme", 422),
        ("limit=0", 422),
        ("filter=[]", 422),
        ("sort=name", 400),
    ):
        assert world.eve.get(f"/records/contact/export?{query}").status_code == status, query
    assert world.eve.get("/records/nope/export").status_code == 404
