"""Decision tables: what they decide, in Python and in SQL, and what is found wrong with them."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.decision_tables.function import functions_with_tables
from trellis.decision_tables.table import CompiledTable
from trellis.fields import field_types
from trellis.formula import Context, compile, explain
from trellis.formula.engines import PostgresqlEngine, SqliteEngine
from trellis.formula.sql import Refused
from trellis.formula.sql import compile as compile_sql
from trellis_metadata.decision_tables import ANY, Hit, Key, Range, Row, Table
from trellis_metadata.formula import FlatScope, FormulaError, Symbol, Type, check, parse
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot
from trellis_metadata.table_coverage import gap, hidden_rows, overlaps

LANGUAGE = Language(field_types(), system={})
TIERS = {"kind": "picklist", "name": "tier", "label": "Tier", "options": [{"name": "gold"}, {"name": "tin"}]}


def table(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "decision_table",
        "name": "discount",
        "label": "Discount",
        "keys": [
            {"name": "tier", "type": "text", "picklist": "tier"},
            {"name": "amount", "type": "number", "match": "range"},
        ],
        "values": [{"name": "rate", "type": "number"}, {"name": "note", "type": "text"}],
        "rows": list(rows),
        **more,
    }


def row(name: str, tier: str | None, low: Any, high: Any, rate: str = "0.1") -> dict[str, Any]:
    ends = {k: v for k, v in (("from", low), ("to", high)) if v is not None}
    when = {**({"tier": tier} if tier else {}), **({"amount": ends} if ends else {})}
    return {"name": name, "when": when, "then": {"rate": rate, "note": name}}


FULL = table(row("a", "gold", None, "1000"), row("b", "gold", "1000", None, "0.2"), row("c", None, None, None, "0"))


def found(*documents: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    _, diagnostics = LANGUAGE.check([TIERS, *documents])
    return {d.code: (d.severity.value, d.pointer, d.message) for d in diagnostics}


# -- what is found at validation ---------------------------------------------------------------------------------------


def test_whole_table_has_no_findings() -> None:
    assert found(FULL) == {}


def test_gap_is_shown_with_an_example() -> None:
    gappy = table(row("a", "gold", None, "1000"), row("b", "gold", "2000", None), row("c", "tin", None, None))
    severity, pointer, message = found(gappy)["rows_gap"]
    assert (severity, pointer) == ("warning", "/rows") and "tier = gold, amount = 1000" in message


def test_rows_that_overlap_are_refused_where_only_one_may_fit() -> None:
    twice = table(
        row("a", "gold", None, "1000"), row("b", None, "999", None), row("c", "tin", None, "999"), hit="unique"
    )
    severity, pointer, message = found(twice)["rows_overlap"]
    assert (severity, pointer) == ("error", "/rows/1")
    assert "'a' and 'b'" in message and "tier = gold, amount = 999" in message
    assert "rows_overlap" not in found({**twice, "hit": "first"})


def test_row_that_is_never_reached_is_named() -> None:
    severity, pointer, message = found(table(row("all", None, None, None), row("late", "gold", "5", "6")))[
        "row_never_hit"
    ]
    assert (severity, pointer) == ("warning", "/rows/1") and "'late'" in message


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"rows": [row("a", "silver", None, None)]}, "bad_cell", "/rows/0/when/tier"),
        ({"rows": [row("a", "gold", "5", "5")]}, "bad_cell", "/rows/0/when/amount"),
        ({"rows": [row("a", "gold", "x", None)]}, "bad_cell", "/rows/0/when/amount"),
        ({"rows": [{"name": "a", "when": {"amount": "5"}}]}, "bad_cell", "/rows/0/when/amount"),
        ({"rows": [{"name": "a", "when": {"tier": {"from": "a"}}}]}, "bad_cell", "/rows/0/when/tier"),
        ({"rows": [{"name": "a", "when": {"size": "5"}}]}, "bad_cell", "/rows/0/when/size"),
        ({"rows": [{"name": "a", "then": {"rate": True}}]}, "bad_cell", "/rows/0/then/rate"),
        ({"rows": [{"name": "a", "then": {"grade": "1"}}]}, "bad_cell", "/rows/0/then/grade"),
        ({"rows": [{"name": "a"}, {"name": "a"}]}, "duplicate_name", "/rows/1/name"),
        ({"keys": [{"name": "tier", "type": "text", "match": "range"}]}, "bad_key", "/keys/0/match"),
        ({"keys": [{"name": "n", "type": "number", "picklist": "tier"}]}, "bad_key", "/keys/0/picklist"),
        ({"keys": [{"name": "n", "type": "text", "picklist": "nope"}]}, "unknown_reference", "/keys/0/picklist"),
        ({"values": [{"name": "tier", "type": "text"}]}, "duplicate_name", "/values/0/name"),
        ({"hit": "last"}, "unknown_value", "/hit"),
        ({"colour": "red"}, "unknown_key", "/colour"),
        ({"keys": []}, "too_few", "/keys"),
    ],
)
def test_wrong_table_is_refused_with_its_place(change: dict[str, Any], code: str, pointer: str) -> None:
    at = found({**table(row("a", "gold", None, None)), **change})
    assert at[code][1] == pointer


# -- laws --------------------------------------------------------------------------------------------------------------

POINTS: dict[str, list[Any]] = {
    "text": ["x", "y", "z", None],
    "number": [Decimal(n) for n in (-1, 0, 1, 2, 3, 4)] + [None],
    "boolean": [True, False, None],
    "date": [date(2026, 1, d) for d in (1, 2, 3, 4)] + [None],
}
ENDS = {"number": [Decimal(n) for n in (0, 1, 2, 3)], "date": [date(2026, 1, d) for d in (2, 3, 4)]}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    keys = []
    for index in range(draw(st.integers(1, 3))):
        type_ = draw(st.sampled_from(sorted(POINTS)))
        ranged = type_ in ENDS and draw(st.booleans())
        options = ("x", "y", "z") if type_ == "text" and draw(st.booleans()) else None
        keys.append(Key(f"k{index}", type_, ranged, options))
    rows = []
    for index in range(draw(st.integers(0, 6))):
        rows.append(Row(f"r{index}", tuple(draw(cells(k)) for k in keys), {"v": Decimal(index)}))
    return Table("t", tuple(keys), {"v": "number"}, Hit.FIRST, tuple(rows))


def cells(key: Key) -> st.SearchStrategy[Any]:
    if not key.ranged:
        return st.sampled_from([ANY, *(p for p in POINTS[key.type] if p is not None)])
    ends = st.sampled_from([None, *ENDS[key.type]])
    pairs = st.tuples(ends, ends).filter(lambda p: None in p or p[0] < p[1])
    return st.one_of(st.just(ANY), pairs.map(lambda p: Range(*p)))


def points(made: Table, *, blanks: bool) -> list[tuple[Any, ...]]:
    """Sampled values of all keys: every value that a cell may name, those between, and one beyond each end."""
    extra = {"text": ["other"], "number": [Decimal(99)], "date": [date(2030, 1, 1), date(2020, 1, 1)], "boolean": []}
    per_key = []
    for key in made.keys:
        values = [*POINTS[key.type], *(extra[key.type] if key.options is None else ())]
        per_key.append([v for v in values if blanks or v is not None])
    return list(itertools.product(*per_key))


def brute(made: Table, values: tuple[Any, ...]) -> list[Row]:
    def fits(cell: Any, value: Any) -> bool:
        if cell is ANY:
            return True
        if isinstance(cell, Range):
            return value is not None and not (
                (cell.low is not None and value < cell.low) or (cell.high is not None and value >= cell.high)
            )
        return value is not None and cell == value

    return [r for r in made.rows if all(fits(c, v) for c, v in zip(r.cells, values, strict=True))]


@settings(max_examples=80, deadline=None)
@given(tables())
def test_lookup_finds_the_first_row_that_fits(made: Table) -> None:
    compiled = CompiledTable(made)
    for values in points(made, blanks=True):
        assert compiled.find(values) is next(iter(brute(made, values)), None)


@settings(max_examples=80, deadline=None)
@given(tables())
def test_gap_is_found_where_one_is_and_its_example_is_one(made: Table) -> None:
    sampled = any(not brute(made, values) for values in points(made, blanks=False))
    example = gap(made)
    assert (example is not None) == sampled
    assert example is None or brute(made, example) == []


@settings(max_examples=80, deadline=None)
@given(tables())
def test_overlaps_are_those_of_sampled_points(made: Table) -> None:
    pairs = {
        (a.name, b.name)
        for values in points(made, blanks=False)
        for a, b in itertools.combinations(brute(made, values), 2)
    }
    found = overlaps(made)
    assert {(o.first.name, o.second.name) for o in found} == pairs
    for pair in found:
        assert pair.first in brute(made, pair.example) and pair.second in brute(made, pair.example)


@settings(max_examples=80, deadline=None)
@given(tables())
def test_hidden_rows_are_those_that_are_the_first_at_no_point(made: Table) -> None:
    firsts = {r[0].name for values in points(made, blanks=True) if (r := brute(made, values))}
    assert {r.name for r in hidden_rows(made)} == {r.name for r in made.rows} - firsts


# -- LOOKUP ------------------------------------------------------------------------------------------------------------

SYMBOLS = [Symbol("tier", Type.PICKLIST), Symbol("amount", Type.NUMBER), Symbol("day", Type.DATE)]


def typed(formula: str, *documents: dict[str, Any]) -> Any:
    scope = FlatScope(SYMBOLS, functions_with_tables(Snapshot.of([TIERS, *documents])))
    return check(parse(formula), scope, text=formula, blanks="blank")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ('LOOKUP("dscount", tier, amount)', "Did you mean 'discount'"),
        ("LOOKUP(tier, tier, amount)", "fixed text"),
        ('LOOKUP("discount", tier)', "looked up by: tier, amount"),
        ('LOOKUP("discount", amount, tier)', "'tier' is a text"),
        ('LOOKUP("discount", tier, amount, "rte")', "Did you mean 'rate'"),
        ('LOOKUP("discount", tier, amount, tier)', "gives: rate, note"),
        ('LOOKUP("discount", tier, amount) & "x"', "cannot join a number and a text"),
    ],
)
def test_wrong_lookup_is_refused_at_its_characters(formula: str, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        typed(formula, FULL)
    assert words in caught.value.problems[0].message


def test_explanation_names_the_row_that_was_hit() -> None:
    rule = typed('LOOKUP("discount", tier, amount, "note")', FULL)
    lines = explain(rule, Context({"tier": "gold", "amount": Decimal(1000)})).lines()
    assert lines[0] == "LOOKUP (row b) = b"
    none = typed('LOOKUP("discount", tier, amount)', table(row("a", "gold", "1", None)))
    assert explain(none, Context({"tier": "tin", "amount": Decimal(1)})).lines()[0] == "LOOKUP (no row) = blank"


ROWS: list[dict[str, Any]] = [
    {"tier": t, "amount": a, "day": date(2026, 5, 1)}
    for t in ("gold", "tin", None)
    for a in (None, Decimal(-5), Decimal("999.99"), Decimal(1000), Decimal(10**15))
]
TYPED = table(
    {"name": "a", "when": {"day": {"to": "2026-05-01"}}, "then": {"d": "2020-01-01", "b": True}},
    {"name": "b", "when": {"day": {"from": "2026-05-01"}}, "then": {"d": "2021-02-03", "m": "2026-01-01T08:00:00Z"}},
    name="days",
    keys=[{"name": "day", "type": "date", "match": "range"}],
    values=[{"name": "d", "type": "date"}, {"name": "b", "type": "boolean"}, {"name": "m", "type": "datetime"}],
)


def test_databases_decide_as_python_does(database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    formulas = [
        typed(text, FULL, TYPED)
        for text in (
            'LOOKUP("discount", tier, amount)',
            'LOOKUP("discount", tier, amount * 2, "note")',
            'LOOKUP("discount", tier, amount, "rate") * 100 + 1',
            'LOOKUP("days", day, "d")',
            'LOOKUP("days", day, "m")',
            'IF(LOOKUP("days", day, "b"), 1, 2)',
        )
    ]
    engine = SqliteEngine() if is_sqlite else PostgresqlEngine(database_url)
    with engine:
        for values in ROWS:
            for formula in formulas:
                columns = {
                    s.path: engine._column(s.path, s, values[s.path])
                    for s in SYMBOLS  # how a case's row is made
                }
                source = sa.select(*columns.values()).subquery()
                built = compile_sql(formula, engine.dialect, lambda s, source=source: source.c[s.path])
                value, error = engine.connection.execute(sa.select(built.value, built.error)).one()
                expected = compile(formula)(Context(values))
                assert (value, bool(error)) == (expected, False), (formula.text, values)


def test_changed_table_is_not_answered_from_the_old_one() -> None:
    """The program that SQLite calls is known by the content of the table, too."""
    with SqliteEngine() as engine:
        for rate in ("0.1", "0.3"):
            built = compile_sql(
                typed('LOOKUP("discount", "gold", 5)', table(row("a", "gold", None, None, rate))),
                "sqlite",
                lambda s: sa.literal(None),
            )
            assert engine.connection.execute(sa.select(built.value)).scalar() == Decimal(rate)


def test_table_that_is_too_large_for_case_is_refused_by_name_on_postgresql() -> None:
    large = table(*(row(f"r{n}", None, str(n), str(n + 1)) for n in range(201)))
    rule = typed('LOOKUP("discount", tier, amount)', large)
    with pytest.raises(Refused, match="'discount' has more than 200 rows"):
        compile_sql(rule, "postgresql", lambda s: sa.literal_column("x", sa.Text()))
    assert compile(rule)(Context({"tier": "gold", "amount": Decimal(200)})) == Decimal("0.1")
    assert compile_sql(
        rule, "sqlite", lambda s: sa.literal_column("x", sa.Text() if s.path == "tier" else sa.Numeric())
    )


def test_a_table_of_a_wrong_shape_is_told_once_and_not_at_the_formulas_that_use_it() -> None:
    field = {"name": "rate", "type": "formula", "returns": "number", "formula": 'LOOKUP("discount", "gold", 5) + 1'}
    deal = {"kind": "object", "name": "deal", "label": "Deal", "fields": [field]}
    assert {(p, c) for c, (_, p, _) in found(table({"when": {}, "then": {}}), deal).items()} == {
        ("/rows/0", "missing_key")
    }
