"""Roll-ups over records of the same object, by two lookups at once, with writes of several kinds in one transaction."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from ripples.model import rollup
from support.kernel import create, field, obj, publish, ref, rows, write

from trellis.cli.checks import rollups
from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis_metadata.language import Language

NODE = obj(
    "node",
    field("name"),
    field("value", "integer"),
    field("parent", "lookup", target="node", on_delete="set_null", relationship="twigs"),
    field("sponsor", "lookup", target="node", on_delete="set_null"),
    field("above", "formula", returns="boolean", formula="value > parent.value"),
    rollup("below", "node.parent", "sum", "value"),
    rollup("children", "node.parent", "count"),
    rollup("sponsored", "node.sponsor", "count"),
    rollup("larger", "node.parent", "count", filter={"field": "above", "op": "=", "value": True}),
    rollup("backed", "node.sponsor", "sum", "children"),
    field("spread", "formula", returns="number", formula="below + COUNT(twigs.id) * 100", scale=0, indexed=True),
)


def right(nodes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Work out every roll-up from the live records, in Python."""
    out = {}
    for name, node in nodes.items():
        under = [n for n in nodes.values() if n["parent"] == name]
        behind = [n for n in nodes.values() if n["sponsor"] == name]
        own = node["value"] or 0
        out[name] = {
            "below": sum(n["value"] or 0 for n in under),
            "children": len(under),
            "sponsored": len(behind),
            "larger": sum((n["value"] or 0) > own for n in under),
            "backed": sum(sum(m["parent"] == n["id"] for m in nodes.values()) for n in behind),
            "spread": str(sum(n["value"] or 0 for n in under) + 100 * len(under)),
        }
    return out


def check(tenant: Tenant) -> None:
    nodes = {r["id"]: r for r in rows(tenant, "node")}
    wanted = right(nodes)
    assert {n: {k: r[k] for k in wanted[n]} for n, r in nodes.items()} == wanted
    with tenant.database.reading() as connection:
        assert list(rollups.check(tenant, connection)) == []


@pytest.fixture
def tree(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    return open_copy("trees", lambda tenant: publish(tenant, NODE))


def test_random_moves_of_a_tree_in_shared_transactions(tree: Tenant) -> None:
    source = random.Random(7)
    made = create(tree, "node", *({"name": f"n{n}", "value": n} for n in range(6)))
    for _ in range(14):
        write(tree, lambda tx: [_something(tx, source, made) for _ in range(source.randint(1, 4))])
        check(tree)


def _something(tx: Transaction, source: random.Random, made: list[int]) -> None:
    live = [r for r in made if r in _alive(tx)]
    some = source.sample(live, min(3, len(live)))

    def pointing() -> str | None:
        return source.choice([None, *(tx.model.env.format_id("node", n) for n in live)])

    match source.randint(0, 4):
        case 0:
            made += [o.id or 0 for o in tx.create("node", [{"value": 5, "parent": pointing()}])]
        case 1:
            tx.update("node", [{"id": n, "parent": pointing(), "sponsor": pointing()} for n in some])
        case 2:
            tx.update("node", [{"id": n, "value": source.choice([None, 1, 7, -2])} for n in some], mode="partial")
        case 3:
            tx.delete("node", some)
            tx.restore("node", some[:1])
        case _:
            tx.update("node", [{"id": n, "parent": tx.model.env.format_id("node", n)} for n in some[:1]])


def _alive(tx: Transaction) -> set[int]:
    t = tx.model.object("node").table
    return set(tx.connection.execute(t.select().with_only_columns(t.c.id).where(t.c.deleted_at.is_(None))).scalars())


def test_parent_and_child_go_and_come_back_in_one_transaction(tree: Tenant) -> None:
    parent, child, other = create(tree, "node", *({"value": n} for n in (1, 10, 100)))
    write(tree, lambda tx: tx.update("node", [{"id": child, "parent": ref(tree, "node", parent)}]))

    def body(tx: Transaction) -> None:
        tx.delete("node", [child])
        tx.delete("node", [parent])
        tx.restore("node", [parent])
        tx.restore("node", [child])
        tx.update("node", [{"id": other, "parent": ref(tree, "node", parent), "sponsor": ref(tree, "node", child)}])

    write(tree, body)
    check(tree)
    assert [r["below"] for r in rows(tree, "node")] == [110, 0, 0]


def test_a_sum_of_itself_up_a_tree_is_refused_as_a_circle() -> None:
    endless = {**NODE, "fields": [*NODE["fields"], rollup("total", "node.parent", "sum", "total")]}
    found = Language(field_types(), system={}, formula_checker=check_formula).check([endless])[1]
    assert [(d.pointer, d.code) for d in found] == [(f"/fields/{len(NODE['fields'])}", "rollup_cycle")]
