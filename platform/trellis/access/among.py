"""``column IN (subquery)`` in the form in which each database runs the subquery first and then looks its results up."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class among(FunctionElement[bool]):
    """``column`` is among the results of a scalar subquery, which is run first: PostgreSQL then looks each result up."""

    inherit_cache = True
    type = sa.Boolean()
    name = "among"


@compiles(among)
def _in(element: Any, compiler: Any, **options: Any) -> str:
    column, query = list(element.clauses)
    return f"{compiler.process(column, **options)} IN {compiler.process(query, **options)}"


@compiles(among, "postgresql")
def _any(element: Any, compiler: Any, **options: Any) -> str:
    column, query = list(element.clauses)
    return f"{compiler.process(column, **options)} = ANY (ARRAY{compiler.process(query, **options)})"
