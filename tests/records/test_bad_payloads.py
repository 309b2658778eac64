"""Every wrong record is refused with the right code at the right field; nothing is stored and nothing leaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.app import World
from support.app import world as build

CATALOGUE = json.loads((Path(__file__).parent / "bad_payloads.json").read_text(encoding="utf-8"))
LEAKS = ("Traceback", "sqlalchemy", "psycopg", "sqlite3", "INSERT INTO", "SELECT o_", "site-packages", '.py"', "/home")
TABLES = ("o_account", "t_change", "t_fact", "t_search", "t_outbox", "t_idempotency", "t_external_id", "t_file")


def huge() -> list[tuple[str, Any, str]]:
    """Return wrong values that are too large to be written down."""
    deep: Any = "x"
    for _ in range(40):
        deep = {"a": deep}
    return [
        ("name", "x" * 10_000_000, "too_long"),
        ("notes", "很" * 2_000_000, "too_long"),
        ("email", "a" * 1_000_000 + "@x.de", "too_long"),
        ("code", "<script>" * 100_000, "too_long"),
        ("site", "https://x.de/" + "a" * 100_000, "too_long"),
        ("amount", "9" * 100_000, "bad_format"),
        ("staff", "9" * 100_000, "bad_format"),
        ("labels", [f"t{i}" for i in range(100_000)], "too_long"),
        ("topics", ["a"] * 100_000, "too_long"),
        ("extra", deep, "too_large"),
        ("extra", {"a": "x" * 100_000}, "too_large"),
        ("extra", {str(i): i for i in range(50_000)}, "too_large"),
        ("parent", "account_" + "z" * 100_000, "bad_reference"),
        ("logo", "a" * 100_000, "bad_reference"),
        ("kind_of", "hot" * 100_000, "too_long"),
        ("address", {"street": "x" * 1_000_000}, "too_long"),
        ("x" * 100_000, 1, "unknown_field"),
        ("name", "a\ud800b", "bad_characters"),
        ("extra", {"a\ud800": 1}, "bad_characters"),
        ("extra", {"a": "\ud800"}, "bad_characters"),
        ("phone", "1" * 100_000, "too_long"),
    ]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    cluster = request.getfixturevalue("postgres_cluster") if request.param == "postgresql" else None
    with build(cluster.create_database() if cluster else "sqlite://", home) as made:
        yield made


def _counts(world: World) -> dict[str, int]:
    return {t: world.rows(t) for t in TABLES}


def test_catalogue_is_large_enough() -> None:
    assert len(CATALOGUE["cases"]) + len(huge()) >= 150


def test_wrong_values_are_refused_at_their_field(world: World) -> None:
    cases = [(c["field"], c["value"], c["code"]) for c in CATALOGUE["cases"]] + huge()
    before, failures = _counts(world), []
    for field, value, code in cases:
        response = world.ada.post("/records/account", {**CATALOGUE["good"], field: value})
        text = response.get_data(as_text=True)
        errors = (response.get_json() or {}).get("error", {}).get("fields", {})
        codes = [e["code"] for e in errors.get(field[:80], ())]
        if response.status_code != 422 or codes != [code] or len(text) > 2000 or any(leak in text for leak in LEAKS):
            failures.append(
                (
                    field[:40],
                    str(value)[:40].encode("ascii", "replace"),
                    code,
                    response.status_code,
                    codes or text[:200],
                )
            )
    assert not failures, "\n".join(map(str, failures))
    assert _counts(world) == before


def test_wrong_values_are_refused_in_a_change_too(world: World) -> None:
    record = world.ada.create("account", name="Stays", code="stays")
    before, failures = _counts(world), []
    for case in CATALOGUE["cases"]:
        if case["field"] in ("id", "version"):
            continue
        response = world.ada.patch(f"/records/account/{record['id']}", {case["field"]: case["value"]})
        errors = response.get_json().get("error", {}).get("fields", {})
        if response.status_code != 422 or [e["code"] for e in errors.get(case["field"], ())] != [case["code"]]:
            failures.append((case, response.status_code, response.get_data(as_text=True)[:200]))
    assert not failures, "\n".join(map(str, failures[:20]))
    assert _counts(world) == before
    assert world.ada.get(f"/records/account/{record['id']}").get_json() == record


def test_wrong_rows_in_bulk_leave_nothing(world: World) -> None:
    before = _counts(world)
    sent = b"\n".join(json.dumps({**CATALOGUE["good"], c["field"]: c["value"]}).encode() for c in CATALOGUE["cases"])
    answer = world.ada.post("/records/account/bulk", data=sent, content_type="application/x-ndjson").get_data()
    lines = [json.loads(line) for line in answer.splitlines()]
    assert [(line["action"], list(line["errors"])) for line in lines] == [
        ("refused", [c["field"]]) for c in CATALOGUE["cases"]
    ]
    assert _counts(world) == before


def test_duplicate_and_deleted_reference_are_refused(world: World) -> None:
    world.ada.create("account", name="First", code="Same")
    gone = world.ada.create("account", name="Gone")["id"]
    world.ada.delete(f"/records/account/{gone}")
    before = _counts(world)
    duplicate = world.ada.post("/records/account", {"name": "Second", "code": "sAME"})
    assert duplicate.get_json()["error"]["fields"]["code"][0]["code"] == "not_unique"
    deleted = world.ada.post("/records/account", {"name": "Child", "parent": gone})
    assert deleted.get_json()["error"]["fields"]["parent"][0]["code"] == "bad_reference"
    assert _counts(world) == before


def test_code_in_text_is_stored_as_it_is(world: World) -> None:
    for text in (
        "'; DROP TABLE o_account; --",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "%s%n",
        "=cmd|' /C calc'!A0",
        "${jndi:ldap://x}",
        'Robert"); --',
    ):
        record = world.ada.create("account", name=text, notes=text)
        assert world.ada.get(f"/records/account/{record['id']}").get_json()["name"] == text
        found = world.ada.post(
            "/records/account/query", {"filter": {"field": "name", "op": "=", "value": text}, "fields": ["name"]}
        ).get_json()
        assert [r["name"] for r in found["records"]] == [text]
