"""Every function has a page entry, and every example on the page is true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trellis.formula import Context, ErrorValue, compile, functions
from trellis.formula.cases import write_value
from trellis.formula.function import Function
from trellis.formula.functions import DuplicateFunction, load
from trellis.formula.reference import reference_page
from trellis_metadata.formula import FlatScope, Symbol, Type, check, parse

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formula-functions.md"
SYMBOLS = [
    Symbol("stage", Type.PICKLIST, values=("new", "won")),
    Symbol("interests", Type.MULTIPICKLIST, values=("golf", "tea")),
    Symbol("amount", Type.NUMBER),
]
ROW = {"stage": "won", "interests": ("golf",), "amount": Decimal(5)}


def examples() -> Iterator[tuple[Function, str, str]]:
    for function in functions().values():
        for formula, result in function.examples:
            yield function, formula, result


@pytest.mark.parametrize(("function", "formula", "result"), examples(), ids=lambda value: getattr(value, "name", None))
def test_example_is_true(function: Function, formula: str, result: str) -> None:
    typed = check(parse(formula), FlatScope(SYMBOLS, functions()), text=formula, blanks="blank")
    value = compile(typed)(Context(ROW, now=datetime(2026, 11, 22, tzinfo=UTC)))
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
