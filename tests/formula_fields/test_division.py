"""Division that PostgreSQL does by its own operators gives what the 39 digits of the other engines give."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from trellis.formula import Context, ErrorValue, compile, functions, sql
from trellis.formula.engines import PostgresqlEngine
from trellis.storage.types import ScaledDecimal
from trellis_metadata.formula import FlatScope, Symbol, Type, check, parse

SYMBOLS = [Symbol("a", Type.NUMBER), Symbol("b", Type.NUMBER)]
A, B = ScaledDecimal(9, 4), ScaledDecimal(6, 2)


@pytest.fixture(scope="module")
def connection(postgres_url: str) -> Iterator[sa.Connection]:
    with PostgresqlEngine(postgres_url) as engine:
        yield engine.connection


def pairs() -> list[tuple[Decimal | None, Decimal | None]]:
    source = random.Random(5)
    found: list[tuple[Decimal | None, Decimal | None]] = [(None, None), (Decimal(1), None), (None, Decimal(1))]
    for _ in range(400):
        b = Decimal(source.randint(-999999, 999999)).scaleb(-2)
        if source.random() < 0.5:
            # A quotient that lies exactly between two results, or one unit beside.
            tie = Decimal(2 * source.randint(-40, 40) + 1).scaleb(-source.choice((1, 3, 5))) / 2
            a = (tie * b + Decimal(source.randint(-1, 1)).scaleb(-4)).quantize(Decimal("0.0001"))
        else:
            a = Decimal(source.randint(-999999999, 999999999)).scaleb(-4)
        found.append((max(min(a, Decimal("99999.9999")), Decimal("-99999.9999")), source.choice((b, b, b, Decimal(0)))))
    return found


@pytest.mark.parametrize("scale", [0, 2, 4])
@pytest.mark.parametrize("text", ["a / b", "a / 100", "a * 3 / (b + 1)"])
def test_rounded_quotient_is_that_of_the_evaluator(connection: sa.Connection, text: str, scale: int) -> None:
    typed = check(parse(text), FlatScope(SYMBOLS, functions()), text=text)
    rows = sa.values(sa.column("n", sa.Integer), sa.column("a", A), sa.column("b", B), name="t").data(
        [(n, a, b) for n, (a, b) in enumerate(pairs())]
    )
    columns: dict[str, Any] = {"a": sa.cast(rows.c.a, A), "b": sa.cast(rows.c.b, B)}
    made = sql.compile(typed, "postgresql", lambda s: columns[s.path], scale=scale, digits=18)
    assert "trellis_fn.div" not in str(made.value.compile(connection))
    found = connection.execute(sa.select(made.value, made.error).select_from(rows).order_by(rows.c.n)).all()
    run = compile(typed, scale=scale, digits=18)
    for (a, b), (value, error) in zip(pairs(), found, strict=True):
        wanted = run(Context({"a": a, "b": b}))
        assert bool(error) == isinstance(wanted, ErrorValue), (a, b)
        assert value == (None if error else wanted), (a, b)


def test_a_divisor_of_zero_is_asked_for_once() -> None:
    columns = {"a": sa.column("a", A), "b": sa.column("b", B)}
    scope = FlatScope(SYMBOLS, functions())

    def row(text: str) -> str:
        typed = check(parse(text), scope, text=text, blanks="blank")
        return str(sql.compile(typed, "postgresql", lambda s: columns[s.path], scale=2, digits=18).value)

    assert "CASE" not in row("a / b") and "nullif" in row("a / b")
    assert "CASE" in row("a / (1 / b)")
