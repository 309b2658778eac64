"""Python is the truth; SQLite and PostgreSQL give the same values, or refuse the formula by name."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from formula.engines import Table, in_python
from formula.generate import ELSEWHERE, drawn_functions, formulas, rows, scope
from hypothesis import HealthCheck, currently_in_test_context, given, note, seed, settings

from trellis.formula import functions
from trellis.formula.sql import Refused, Settings
from trellis_metadata.formula import FormulaError, check, parse

SEED = int(os.environ.get("TRELLIS_FUZZ_SEED", "3"))
ROWS = rows(SEED, 40)
EXAMPLES = int(os.environ.get("TRELLIS_FUZZ_EXAMPLES", "250"))
MOMENT = Settings(datetime(2026, 3, 29, 0, 59, 59, 250_000, tzinfo=UTC), "Europe/Berlin")
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="TRELLIS_FUZZ_SEED" not in os.environ,
)


@pytest.fixture(scope="module")
def sqlite_table() -> Iterator[Table]:
    table = Table("sqlite://", ROWS)
    yield table
    table.close()


@pytest.fixture(scope="module")
def postgresql_table(postgres_url: str) -> Iterator[Table]:
    table = Table(postgres_url, ROWS)
    yield table
    table.close()


def assert_agrees(text: str, table: Table, blanks: str, given_rows: list[dict[str, Any]] = ROWS) -> int:
    """Compare all rows; return how many values were compared, 0 where the formula is refused."""
    try:
        typed = check(parse(text), scope(), text=text, blanks=blanks)
    except FormulaError:
        return 0  # the generator may join null with null in a way that has no type
    try:
        found = table.compute(typed, MOMENT)
    except Refused as refusal:
        if currently_in_test_context():
            note(refusal.message)
        return 0
    expected = in_python(typed, given_rows, MOMENT)
    for row, want, got in zip(given_rows, expected, found, strict=True):
        assert same(want, got), f"{text}\n{blanks} {row}\nPython {want!r}, {table.dialect} {got!r}"
    return len(given_rows)


def same(want: Any, got: Any) -> bool:
    """Compare values; the database may show a blank condition at the top as false."""
    return want == got or (
        want in (None, False) and got in (None, False) and isinstance(want if want is not None else got, bool)
    )


@FUZZ
@given(formulas())
def test_sqlite_gives_what_python_gives(sqlite_table: Table, text: str) -> None:
    assert_agrees(text, sqlite_table, "zero")
    assert_agrees(text, sqlite_table, "blank")


@FUZZ
@given(formulas())
def test_postgresql_gives_what_python_gives(postgresql_table: Table, text: str) -> None:
    assert_agrees(text, postgresql_table, "zero")
    assert_agrees(text, postgresql_table, "blank")


def test_every_function_is_drawn_or_tested_elsewhere_by_name() -> None:
    elsewhere = {name for names in ELSEWHERE for name in names.split()}
    assert functions().keys() - drawn_functions() - elsewhere == set()
    assert elsewhere <= functions().keys()


@pytest.mark.skipif("TRELLIS_FUZZ_SECONDS" not in os.environ, reason="make fuzz")
def test_fuzz_formulas(postgres_url: str) -> None:
    """Other rows and other formulas for each seed, until the time is over; the first difference ends it with its seed."""
    started, number = time.monotonic(), int(os.environ.get("TRELLIS_FUZZ_SEED", str(time.time_ns() % 1_000_000)))
    counts = {"formulas": 0, "sqlite": 0, "postgresql": 0}
    print(f"\n{len(drawn_functions())} of {len(functions())} functions are drawn")
    while time.monotonic() - started < float(os.environ["TRELLIS_FUZZ_SECONDS"]):
        print(f"seed {number}", flush=True)
        try:
            _fuzz(number, postgres_url, counts)
        finally:
            print(f"{counts}", flush=True)
        number += 1


def _fuzz(number: int, postgres_url: str, counts: dict[str, int]) -> None:
    made = rows(number, 40)
    tables = [Table(url, made) for url in ("sqlite://", postgres_url)]

    @seed(number)
    @settings(FUZZ, max_examples=300, database=None, derandomize=False)
    @given(formulas())
    def compare(text: str) -> None:
        counts["formulas"] += 1
        for table in tables:
            for blanks in ("zero", "blank"):
                counts[table.dialect] += assert_agrees(text, table, blanks, made)

    try:
        compare()
    finally:
        for table in tables:
            table.close()
