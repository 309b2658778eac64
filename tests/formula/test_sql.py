"""Formulas inside queries: filters that use indexes, bad rows that never fail a query, refusals by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from trellis.fields.common.columns import JoinedText
from trellis.formula import functions, sql
from trellis.formula.engines import UTC_SESSION
from trellis.formula.sql import Refused, postgresql, sqlite
from trellis.storage.types import ScaledDecimal, UtcDateTime, text_column
from trellis_metadata.formula import FlatScope, Symbol, Type, check, parse

DEALS = sa.Table(
    "formula_deals",
    sa.MetaData(),
    sa.Column("nr", sa.Integer, primary_key=True),
    sa.Column("amount", ScaledDecimal(18, 2), index=True),
    sa.Column("parts", ScaledDecimal(9, 0)),
    sa.Column("share", ScaledDecimal(5, 2)),
    sa.Column("name", text_column(), index=True),
    sa.Column("seen", UtcDateTime()),
    sa.Column("tags", JoinedText()),
    sa.Column("owner", sa.BigInteger()),
)
SYMBOLS = [
    Symbol("amount", Type.NUMBER),
    Symbol("parts", Type.NUMBER),
    Symbol("share", Type.NUMBER, percent=True),
    Symbol("name", Type.TEXT),
    Symbol("seen", Type.DATETIME),
    Symbol("tags", Type.MULTIPICKLIST, values=("a", "b")),
    Symbol("owner", Type.REFERENCE),
]
ROWS: list[dict[str, Any]] = [
    {
        "nr": 1,
        "amount": Decimal(10),
        "parts": Decimal(4),
        "share": Decimal(50),
        "name": "Ada",
        "tags": ("a", "b"),
        "owner": 1,
    },
    {"nr": 2, "amount": Decimal(7), "parts": Decimal(0), "share": None, "name": None, "tags": None, "owner": None},
    {"nr": 3, "amount": None, "parts": Decimal(3), "share": Decimal(10), "name": "Bob", "tags": ("b",), "owner": 2},
]


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    if request.param == "sqlite":
        engine = sa.create_engine("sqlite://")
        sqlite.install(engine)
    else:
        engine = sa.create_engine(request.getfixturevalue("postgres_url"), connect_args=UTC_SESSION)
    with engine.connect() as opened:
        if request.param == "postgresql":
            postgresql.install(opened)
        DEALS.drop(opened, checkfirst=True)
        DEALS.create(opened)
        opened.execute(DEALS.insert(), [{"seen": None, **row} for row in ROWS])
        opened.commit()
        yield opened
    engine.dispose()


def formula(connection: sa.Connection, text: str, **options: Any) -> sql.SqlFormula:
    typed = check(parse(text), FlatScope(SYMBOLS, functions()), text=text)
    return sql.compile(typed, connection.dialect.name, lambda symbol: DEALS.c[symbol.path], **options)


def numbers(connection: sa.Connection, condition: sa.ColumnElement[Any]) -> list[int]:
    return list(connection.scalars(sa.select(DEALS.c.nr).where(condition).order_by(DEALS.c.nr)))


def test_a_bad_row_is_null_with_a_flag_and_does_not_fail_the_query(connection: sa.Connection) -> None:
    each = formula(connection, "amount / parts", scale=2)
    found = connection.execute(sa.select(each.value, each.error).order_by(DEALS.c.nr)).all()
    assert [(value, bool(error)) for value, error in found] == [
        (Decimal("2.50"), False),
        (None, True),
        (Decimal(0), False),
    ]


def test_a_formula_filters_sorts_and_groups(connection: sa.Connection) -> None:
    assert numbers(connection, formula(connection, "amount * share > 4").value) == [1]
    assert numbers(connection, formula(connection, 'name = "Ada" || parts = 3').value) == [1, 3]
    assert numbers(connection, formula(connection, 'AND(amount > 1, UPPER(name) = "ADA")').value) == [1]
    assert numbers(connection, formula(connection, 'INCLUDES(tags, "b") && NOT(ISBLANK(owner))').value) == [1, 3]
    key = formula(connection, "amount / (parts + 1)", scale=4).value
    assert list(connection.scalars(sa.select(DEALS.c.nr).order_by(key.desc()))) == [2, 1, 3]
    group = formula(connection, "IF(amount > 5, 1, 0)", scale=0).value.label("g")
    counted = connection.execute(sa.select(group, sa.func.count()).group_by(group).order_by(group)).all()
    assert [tuple(row) for row in counted] == [(Decimal(0), 1), (Decimal(1), 2)]


def test_formulas_that_differ_only_in_a_constant_are_not_confused_by_the_cache(connection: sa.Connection) -> None:
    assert numbers(connection, formula(connection, 'name = "Ada"').value) == [1]
    assert numbers(connection, formula(connection, 'name = "Bob"').value) == [3]
    assert numbers(connection, formula(connection, "ROUND(parts / 3, 1) = 1.3").value) == [1]
    assert numbers(connection, formula(connection, "ROUND(parts / 3, 1) = 1").value) == [3]


def test_native_conditions_use_indexes(connection: sa.Connection) -> None:
    each = formula(connection, 'name = "Ada" && parts * share > 1')
    assert each.native
    query = sa.select(DEALS.c.nr).where(each.value).compile(connection, compile_kwargs={"literal_binds": True})
    if connection.dialect.name == "sqlite":
        plan = " ".join(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))
        assert "USING INDEX" in plan
        return
    connection.exec_driver_sql("SET enable_seqscan = off")
    plan = " ".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {query}".replace("%", "%%")))
    assert "Index Cond: (name = " in plan


def test_what_sql_cannot_compute_is_refused_by_name(connection: sa.Connection) -> None:
    with pytest.raises(Refused, match="'owner' is stored in a form"):
        formula(connection, 'owner & "x"')
    with pytest.raises(Refused, match="ISCHANGED is known only while a record is saved"):
        formula(connection, "ISCHANGED(amount)")
    if connection.dialect.name == "postgresql":
        with pytest.raises(Refused, match="REGEX has no exact SQL on PostgreSQL"):
            formula(connection, 'REGEX(name, "A.*")')


def test_today_is_the_day_of_the_zone_of_the_query(connection: sa.Connection) -> None:
    settings = sql.Settings(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "Asia/Shanghai")
    each = formula(connection, "TODAY() = DATE(2026, 11, 23)", settings=settings)
    assert numbers(connection, each.value) == [1, 2, 3]


def test_deep_and_long_formulas_are_computed_or_refused(connection: sa.Connection) -> None:
    for text in ("ABS(" * 200 + "amount" + ")" * 200, "amount+" * 2500 + "amount", "IF(amount > 1, 2, " * 200 + "1" + ")" * 200,
                 "1/(1+" * 100 + "amount" + ")" * 100, "1/(1+" * 40 + "amount" + ")" * 40, "ABS(" * 105 + "amount / parts" + ")" * 105):  # fmt: skip
        try:
            connection.execute(sa.select(formula(connection, text).value)).all()
        except Refused as refusal:
            assert "large" in refusal.message or "deep" in refusal.message
