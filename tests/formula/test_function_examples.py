"""Every function has a page entry, and every example on the page is true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trellis.decision_tables.function import functions_with_tables
from trellis.formula import Context, ErrorValue, compile, functions
from trellis.formula.cases import write_value
from trellis.formula.function import Function
from trellis.formula.functions import DuplicateFunction, load
from trellis.formula.reference import reference_page
from trellis_metadata.calendars import WEEKDAYS
from trellis_metadata.formula import FlatScope, Symbol, Type, check, parse
from trellis_metadata.snapshot import Snapshot

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formula-functions.md"
SYMBOLS = [
    Symbol("stage", Type.PICKLIST, values=("new", "won")),
    Symbol("interests", Type.MULTIPICKLIST, values=("golf", "tea")),
    Symbol("amount", Type.NUMBER),
]
ABROAD = [
    Symbol(f"$object.city.{name}", type_, many=True)
    for name, type_ in (("code", Type.TEXT), ("name", Type.TEXT), ("people", Type.NUMBER))
]
SNAPSHOT = Snapshot.of(
    [
        {"kind": "object", "name": "city", "fields": [{"name": "code", "type": "text", "unique": True}]},
        {
            "kind": "decision_table",
            "name": "discount",
            "label": "Discount",
            "keys": [{"name": "tier", "type": "text"}, {"name": "amount", "type": "number", "match": "range"}],
            "values": [{"name": "rate", "type": "number"}, {"name": "label", "type": "text"}],
            "rows": [
                {
                    "name": "a",
                    "when": {"tier": "gold", "amount": {"from": 1000}},
                    "then": {"rate": "0.2", "label": "Large"},
                },
                {"name": "b", "when": {"tier": "gold"}, "then": {"rate": "0.1", "label": "Gold"}},
                {"name": "c", "then": {"rate": "0", "label": "None"}},
            ],
        },
        {
            "kind": "calendar",
            "name": "office",
            "default": True,
            "time_zone": "Asia/Shanghai",
            "hours": {key: ["09:00-12:00", "13:00-18:00"] for key in WEEKDAYS[:5]},
            "holidays": {"country": "CN"},
        },
    ]
)
"""What the reference page says that the examples read."""


class Outside:
    """The rates and the record that the reference page describes."""

    def rate(self, currency: str, day: date) -> Decimal | None:
        usd = Decimal("7.2") if day >= date(2026, 7, 1) else Decimal(7)
        return {"CNY": Decimal(1), "USD": usd, "EUR": Decimal(8)}.get(currency)

    def find(self, object_name: str, key_field: str, value: Any, field: str) -> Any:
        record = {"code": "SZ", "name": "Suzhou", "people": Decimal(12700000)}
        return record[field] if record[key_field] == value else None


ROW = {"stage": "won", "interests": ("golf",), "amount": Decimal(5)}


def examples() -> Iterator[tuple[Function, str, str]]:
    for function in functions().values():
        for formula, result in function.examples:
            yield function, formula, result


@pytest.mark.parametrize(("function", "formula", "result"), examples(), ids=lambda value: getattr(value, "name", None))
def test_example_is_true(function: Function, formula: str, result: str) -> None:
    scope = FlatScope([*SYMBOLS, *ABROAD], functions_with_tables(SNAPSHOT))
    typed = check(parse(formula), scope, text=formula, blanks="blank")
    value = compile(typed)(Context(ROW, now=datetime(2026, 11, 22, tzinfo=UTC), outside=Outside()))
    if result == "error":
        assert isinstance(value, ErrorValue)
        return
    shown = write_value(value, "", None)
    shown = "null" if shown is None else str(shown).lower() if isinstance(shown, bool) else shown
    assert (f'"{shown}"' if typed.type is Type.TEXT and shown != "null" else shown) == result.replace("\\\\", "\\")


def test_every_function_that_can_be_evaluated_has_an_example() -> None:
    assert [f.name for f in functions().values() if not f.examples and not f.unavailable and not f.children] == []


def test_every_function_has_sql_or_says_why_not() -> None:
    silent = [f.name for f in functions().values() if not (f.postgresql or f.refused or f.lowers_to or f.children)]
    assert silent == []


def test_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference_page(), (
        "run: trellis formula functions --page > docs/reference/formula-functions.md"
    )


def test_two_files_with_one_function_are_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "twins"
    package.mkdir()
    text = "from trellis.formula.function import Function\nFUNCTION = Function('TWIN', ('-> number',), '', '')\n"
    for name in ("__init__.py", "first.py", "second.py"):
        (package / name).write_text(text if name != "__init__.py" else "")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DuplicateFunction, match=r"TWIN.*first\.py.*second\.py"):
        load("twins", [str(package)])
