"""MAX"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.children import aggregate_or
from trellis.formula.function import Function
from trellis.formula.sql.pieces import Sql, all_or_null
from trellis_metadata.formula.typed import Node


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return all_or_null("greatest", args)


FUNCTION = Function(
    "MAX",
    ("number... -> number",),
    "The largest of the numbers; blank when one is blank.",
    "numbers",
    count=(1, 255),
    children=True,
    check=aggregate_or("MAX", "number... -> number"),
    python=lambda *values: max(values),
    postgresql=_sql,
    examples=(("MAX(-101, 10)", "10"),),
)
