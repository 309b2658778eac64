"""How many records a query selects: exactly, or roughly where counting would take long.

``total: true`` counts. ``total: "estimate"`` counts up to :data:`EXACT_UP_TO` records; where there are more, PostgreSQL
answers what its planner expects (never less than what was counted), and the answer says ``total_exact: false``. SQLite keeps
no such statistics and reads one local file: it always counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable

EXACT_UP_TO = 10_000
ESTIMATE = "estimate"


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _compile_explain(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def total_of(
    connection: Connection, count: sa.Select[Any], params: Mapping[str, Any], asked: bool | str
) -> tuple[int | None, bool]:
    """Return the number of records that ``count`` counts and whether it is exact; None when it was not asked for."""
    if not asked:
        return None, True
    if asked != ESTIMATE or connection.dialect.name == "sqlite":
        return int(connection.execute(count, params).scalar_one()), True
    rows: sa.Select[Any] = count.with_only_columns(sa.literal_column("1"), maintain_column_froms=True)
    some = sa.select(sa.func.count()).select_from(rows.limit(EXACT_UP_TO + 1).subquery())
    counted = int(connection.execute(some, params).scalar_one())
    if counted <= EXACT_UP_TO:
        return counted, True
    plan = connection.execute(_Explain(rows), params).scalar_one()
    return max(counted, int(plan[0]["Plan"]["Plan Rows"])), False
