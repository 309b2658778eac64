"""MIN"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.children import aggregate_or
from trellis.formula.function import Function
from trellis.formula.sql.pieces import Sql, all_or_null
from trellis_metadata.formula.typed import Node


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return all_or_null("least", args)


FUNCTION = Function(
    "MIN",
    ("number... -> number",),
    "The smallest of the numbers; blank when one is blank.",
    "numbers",
    count=(1, 255),
    children=True,
    check=aggregate_or("MIN", "number... -> number"),
    python=lambda *values: min(values),
    postgresql=_sql,
    examples=(("MIN(100, 10)", "10"), ("MIN(100.5, null, -10)", "null")),
)
