"""Formula fields in answers: every door shows the same value. The expected values are worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import ADMIN, create, page, rows, values, write

from trellis.exchange.exporting import Export, export
from trellis.query import get_record
from trellis.record_json import record_writer
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

EXPECTED: dict[str, list[Any]] = {
    "margin": ["40.00", "10.00", "100.00", None],
    "good": [True, False, True, False],
    "net": ["180.00", "300.00", "90.00", "0.00"],
    "ratio": ["1.7", "1.1", None, None],
    "ratio.error": [False, False, True, True],
    "sum_blank": ["320.00", "570.00", "90.00", None],
    "far": ["4.0", "1.0", "4.0", "1.0"],
    "title": ["ALPHA/north/Oslo", "BETA/south/", "GAMMA/north/Oslo", "DELTA//"],
    "state": ["won", "new", None, None],
    "days": ["8", "-21", None, None],
    "due": ["2026-12-07", "2026-11-08", None, None],
    "called_until": ["2026-11-21T08:15:00Z", None, None, None],
    "called_at": ["20:15:00", None, None, None],
    "asker": [None, None, None, None],
    "simple_name": [True, False, True, True],
    "small": [None, None, None, "0"],
    "small.error": [True, True, True, False],
    "account.doubled": ["3.000", "0.000", "3.000", None],
}


@pytest.mark.parametrize("path", EXPECTED)
def test_list_shows_the_value_worked_out_by_hand(sales: Tenant, path: str) -> None:
    assert values(sales, "deal", path) == EXPECTED[path]


def test_all_doors_show_the_same_values(sales: Tenant) -> None:
    model = sales.model().object("deal")
    listed = rows(sales, "deal")
    with sales.database.reading() as connection:
        numbers = [r["id"] for r in listed]
        single = [
            record_writer(model)(get_record(sales, connection, sales.model_in(connection), ADMIN, "deal", number))
            for number in (model.env.parse_id(n, ["deal"])[1] for n in numbers)
        ]
    assert single == listed
    exported = b"".join(export(sales, ADMIN, Export("deal", ("margin", "title", "simple_name")), "csv")).decode()
    lines = exported.strip("\ufeff").splitlines()
    assert [line.split(",")[1:] for line in lines[1:]] == [
        ["40.00", "ALPHA/north/Oslo", "true"],
        ["10.00", "BETA/south/", "false"],
        ["100.00", "GAMMA/north/Oslo", "true"],
        ["", "DELTA//", "true"],
    ]


def test_values_follow_every_change_of_what_they_read(sales: Tenant) -> None:
    region = rows(sales, "region", fields=["id"])[0]["id"]
    write(sales, lambda tx: tx.update("region", [{"id": region, "factor": "7"}]))
    assert values(sales, "deal", "far") == ["15.0", "1.0", "15.0", "1.0"]


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_write_to_a_formula_field_is_refused_by_name(sales: Tenant, action: str) -> None:
    deal = rows(sales, "deal", fields=["id"])[0]["id"]
    row = {"margin": "5"} if action == "create" else {"id": deal, "margin": "5"}
    with pytest.raises(RecordsInvalid) as refused:
        write(sales, lambda tx: getattr(tx, action)("deal", [row]))
    assert refused.value.errors[0]["margin"] == [
        {
            "code": "read_only",
            "message": "'margin' is a formula: it is computed from other fields and cannot be written.",
        }
    ]


def test_child_lists_hold_formula_fields(sales: Tenant) -> None:
    child = {"fields": ["name", "margin", "simple_name"], "sort": ["-margin"]}
    accounts = page(sales, "account", fields=["name"], sort=["name"], children={"deals": child}).rows
    found = [[(d["name"], d["margin"], d["simple_name"]) for d in a["deals"]] for a in accounts]
    assert found == [[("gamma", "100.00", True), ("alpha", "40.00", True)], [("Beta", "10.00", False)]]


def test_formula_field_after_a_field_became_one(sales: Tenant) -> None:
    from support.kernel import field, obj, publish

    publish(sales, obj("thing", field("a", "number"), field("b", "number")))
    create(sales, "thing", {"a": "2", "b": "9"})
    publish(sales, obj("thing", field("a", "number"), field("b", "formula", returns="number", formula="a + 1")))
    assert values(sales, "thing", "b") == ["3.00"]
    publish(sales, obj("thing", field("a", "number"), field("b", "number")))
    assert values(sales, "thing", "b") == [None]
