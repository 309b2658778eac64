"""Rules by condition follow what their records hold by roll-ups and formulas, not only what somebody writes into them."""

from __future__ import annotations

from typing import Any

import pytest
from access.worlds import AccessWorld, build
from ripples.model import rollup
from support.kernel import create, field, obj, publish, ref, rows, undo, write

from trellis.access.people import person
from trellis.tenant import Tenant

DEAL = obj("deal", field("name"), rollup("cost", "expense.deal", "sum", "amount"))
EXPENSE = obj("expense", field("deal", "lookup", target="deal"), field("amount", "integer"))
DESK = {"kind": "group", "name": "desk"}
SHARED = {"kind": "sharing_rule", "name": "big", "object": "deal", "when": "cost > 100", "level": "read"}
SHARED["share_with"] = [{"group": "desk"}]
HIDDEN = {"kind": "restriction_rule", "name": "hush", "object": "deal", "hide_when": "cost > 100"}
HIDDEN["applies_to"] = [{"group": "desk"}]


def formula_field(text: str) -> dict[str, Any]:
    return field("weight", "formula", returns="number", formula=text)


@pytest.fixture
def desk(tenant: Tenant) -> AccessWorld:
    """Dora is in a group with which dear deals are shared; all deals are Ann's."""
    people: dict[str, Any] = {"ann": {}, "dora": {"groups": ["desk"]}}
    records = {n: {"object": "deal", "owner": "ann", "values": {"name": n}} for n in ("one", "two")}
    return build(tenant, {"documents": [DEAL, EXPENSE, DESK, SHARED], "people": people, "records": records})


def seen(world: AccessWorld, name: str = "dora") -> list[str]:
    with world.tenant.database.reading() as connection:
        asker = person(world.tenant, connection, world.tenant.model_in(connection), world.people[name])
    return [r["name"] for r in rows(world.tenant, "deal", asker, fields=["name"])]


def spend(world: AccessWorld, deal: str, amount: int) -> int:
    number = world.records[deal][1]
    return create(world.tenant, "expense", {"deal": ref(world.tenant, "deal", number), "amount": amount})[0]


def test_a_record_is_shared_and_hidden_as_its_roll_up_changes(desk: AccessWorld) -> None:
    assert seen(desk) == []
    dear = spend(desk, "one", 500)
    assert seen(desk) == ["one"]
    write(desk.tenant, lambda tx: tx.update("expense", [{"id": dear, "deal": None}]))
    assert seen(desk) == []
    write(desk.tenant, lambda tx: tx.update("expense", [{"id": dear, "deal": ref(desk.tenant, "deal", desk.records["two"][1])}]))  # fmt: skip
    assert seen(desk) == ["two"]
    publish(desk.tenant, HIDDEN)
    assert seen(desk) == []
    write(desk.tenant, lambda tx: tx.delete("expense", [dear]))
    write(desk.tenant, lambda tx: tx.restore("expense", [dear]))
    assert seen(desk) == []


def test_what_happens_to_the_children_of_a_deleted_record_counts_when_it_comes_back(desk: AccessWorld) -> None:
    dear = spend(desk, "one", 500)
    number = desk.records["one"][1]
    write(desk.tenant, lambda tx: tx.delete("expense", [dear]))
    write(desk.tenant, lambda tx: tx.delete("deal", [number]))
    write(desk.tenant, lambda tx: tx.restore("deal", [number]))
    assert seen(desk) == []
    spend(desk, "one", 500)
    assert seen(desk) == ["one"]


def test_a_condition_over_a_formula_follows_the_formula(desk: AccessWorld) -> None:
    publish(desk.tenant, {**DEAL, "fields": [*DEAL["fields"], formula_field("cost * 2")]}, {**SHARED, "when": "weight > 100"})  # fmt: skip
    spend(desk, "one", 80)
    assert seen(desk) == ["one"]
    publish(desk.tenant, {**DEAL, "fields": [*DEAL["fields"], formula_field("cost")]})
    assert seen(desk) == []
    undo(desk.tenant)
    assert seen(desk) == ["one"]


def test_a_condition_over_a_roll_up_follows_its_meaning(desk: AccessWorld) -> None:
    spend(desk, "one", 500)
    publish(desk.tenant, {**DEAL, "fields": [DEAL["fields"][0], rollup("cost", "expense.deal", "count")]})
    assert seen(desk) == []
    undo(desk.tenant)
    assert seen(desk) == ["one"]
