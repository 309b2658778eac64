"""ISOWEEK"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def day_sql(part: str, nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    """Return a part of a day or of a moment in UTC."""
    day = "({0} AT TIME ZONE 'UTC')" if nodes[0].type is Type.DATETIME else "{0}"
    return args[0].wrap(f"extract({part} FROM {day})", args)


FUNCTION = Function(
    "ISOWEEK",
    ("date|datetime -> number",),
    "The week of the year by ISO 8601.",
    "dates",
    python=lambda day: Decimal(day.isocalendar()[1]),
    postgresql=lambda nodes, args: day_sql("week", nodes, args),
    examples=(("ISOWEEK(DATE(2006, 1, 1))", "52"),),
)
