"""Roll-ups that cannot be right are refused when they are published, at their place and with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ripples.model import rollup
from support.kernel import field, obj

from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot

LANGUAGE = Language(field_types(), system={}, formula_checker=check_formula)
USER = obj("user", field("name"))
EXPENSE = obj(
    "expense",
    field("deal", "lookup", target="deal"),
    field("buyer", "lookup", target="person"),
    field("amount", "currency"),
    field("photo", "file"),
    field("status", "picklist", options=[{"name": "open"}]),
    field("paid_on", "date"),
    field("late", "formula", returns="boolean", formula="paid_on < TODAY()"),
)
SHARE = field("share", "formula", returns="number", formula="amount / deal.cost")
PERSON = obj("person", field("name"))


def problems(*rollups: dict[str, Any], more: list[dict[str, Any]] = []) -> list[tuple[str, str, str]]:  # noqa: B006
    """Return code, pointer and message of everything that is wrong with a deal that has the roll-ups."""
    deal = obj("deal", field("name"), *rollups)
    documents = {d["name"]: d for d in (deal, EXPENSE, PERSON, USER, *more)}
    _, found = LANGUAGE.check(list(documents.values()), Snapshot.of([]))
    return [(d.code, d.pointer, d.message) for d in found if d.severity.value == "error"]


COST = rollup("cost", "expense.deal", "sum", "amount")
CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "unknown child": ({"of": "expens.deal"}, "unknown_reference", "/fields/1/of", "Did you mean 'expense'?"),
    "unknown lookup": ({"of": "expense.dael"}, "unknown_field", "/fields/1/of", "Did you mean 'deal'?"),
    "lookup of another object": ({"of": "expense.buyer"}, "not_a_child", "/fields/1/of", "Fields that do: deal."),
    "unknown field": ({"field": "amuont"}, "unknown_field", "/fields/1/field", "Did you mean 'amount'?"),
    "type": ({"field": "status"}, "wrong_field_type", "/fields/1/field", "'sum' does not work on 'status'"),
    "file": ({"field": "photo", "operation": "first"}, "wrong_field_type", "/fields/1/field", "which is a file"),
    "clock": ({"filter": "late"}, "unstable_rollup", "/fields/1/filter", "reads the clock (TODAY)"),
    "clock in a tree": (
        {"filter": {"and": [{"field": "late", "op": "=", "value": True}]}},
        "unstable_rollup",
        "/fields/1/filter/and/0/field",
        "The formula field 'late' reads the clock (TODAY)",
    ),
    "relative date": (
        {"filter": {"field": "paid_on", "op": "<", "value": "TODAY"}},
        "unstable_rollup",
        "/fields/1/filter/value",
        "'TODAY' means something else every day",
    ),
    "asker": ({"filter": '$user.name = "x"'}, "unstable_rollup", "/fields/1/filter", "depends on who asks"),
    "filter type": ({"filter": "amount + 1"}, "result_type", "/fields/1/filter", "a truth value"),
    "filter field": (
        {"filter": {"field": "statsu", "op": "=", "value": "open"}},
        "unknown_field",
        "/fields/1/filter/field",
        "Did you mean 'status'?",
    ),
    "order": ({"operation": "last", "order_by": "-payed_on"}, "unknown_field", "/fields/1/order_by", "'paid_on'"),
    "order of a sum": ({"order_by": "paid_on"}, "unused_option", "/fields/1/order_by", "no effect"),
    "separator of a sum": ({"separator": ";"}, "unused_option", "/fields/1/separator", "no effect"),
    "scale of a sum": ({"scale": 3}, "unused_option", "/fields/1/scale", "no effect"),
    "distinct sum": ({"distinct": True}, "unused_option", "/fields/1/distinct", "no effect"),
    "distinct records": (
        {"operation": "count", "field": None, "distinct": True},
        "unused_option",
        "/fields/1/distinct",
        "no field is named",
    ),
    "no field": ({"field": None}, "missing_key", "/fields/1", "needs a 'field'"),
    "unique": ({"unique": True}, "unique_not_allowed", "/fields/1/unique", "cannot be unique"),
    "default": ({"default": "1"}, "computed_field", "/fields/1/default", "'default' has no effect"),
}


@pytest.mark.parametrize("name", CASES)
def test_wrong_roll_up_is_refused_at_its_place(name: str) -> None:
    change, code, pointer, words = CASES[name]
    found = problems({k: v for k, v in {**COST, **change}.items() if v is not None})
    assert [(c, p) for c, p, _ in found] == [(code, pointer)]
    assert words in found[0][2]


def test_a_right_one_is_published() -> None:
    assert problems(COST) == []


def test_roll_ups_over_each_other_in_a_circle_are_refused_with_the_path() -> None:
    expense = {**EXPENSE, "fields": [*EXPENSE["fields"], SHARE]}
    found = problems(rollup("cost", "expense.deal", "sum", "share"), more=[expense])
    assert [(c, p) for c, p, _ in found] == [("rollup_cycle", "/fields/1")]
    assert "deal.cost → deal.cost" in found[0][2]


def test_a_circle_over_two_objects_names_both() -> None:
    part = obj("part", field("deal", "lookup", target="deal"), rollup("total", "deal.part", "sum", "total"))
    deal = rollup("total", "part.deal", "sum", "total")
    found = problems(deal, field("part", "lookup", target="part"), more=[part])
    circles = [m for c, _, m in found if c == "rollup_cycle"]
    assert len(circles) == 2
    assert "deal.total → part.total → deal.total" in circles[0]
