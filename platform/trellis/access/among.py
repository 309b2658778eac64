"""A subquery that is run first, whose results are then looked up: in the form in which each database does so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import Join
from sqlalchemy.sql.functions import FunctionElement


class among(FunctionElement[Any]):
    """``column`` is among the results of a scalar subquery, which is run first: PostgreSQL then looks each result up."""

    inherit_cache = True
    # Not a boolean: SQLAlchemy would write `… IN (…) = 1` on SQLite, and no index would be used.
    type = sa.types.NullType()
    name = "among"


@compiles(among)
def _in(element: Any, compiler: Any, **options: Any) -> str:
    column, query = list(element.clauses)
    return f"{compiler.process(column, **options)} IN {compiler.process(query, **options)}"


@compiles(among, "postgresql")
def _any(element: Any, compiler: Any, **options: Any) -> str:
    column, query = list(element.clauses)
    return f"{compiler.process(column, **options)} = ANY (ARRAY{compiler.process(query, **options)})"


class _Driven(Join):
    """A join whose left side comes first."""

    inherit_cache = True


def driven_by(first: Any, table: Any, condition: sa.ColumnElement[bool]) -> Join:
    """Return ``first`` joined with ``table``, where SQLite goes through ``first`` and looks each row of ``table`` up."""
    return _Driven(first, table, condition)


@compiles(_Driven)
def _join(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.visit_join(element, **options))


@compiles(_Driven, "sqlite")
def _cross_join(element: Any, compiler: Any, **options: Any) -> str:
    sides = {**options, "asfrom": True}
    condition = {k: v for k, v in options.items() if k != "asfrom"}
    return (
        f"{compiler.process(element.left, **sides)} CROSS JOIN {compiler.process(element.right, **sides)}"
        f" ON {compiler.process(element.onclause, **condition)}"
    )
