"""TIMEVALUE"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from trellis.formula.function import Function
from trellis.formula.moments import read_time
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def timevalue(value: object) -> time:
    """Return the time that a text names, or the time of a moment in UTC."""
    if isinstance(value, datetime):
        return value.time().replace(microsecond=value.microsecond // 1000 * 1000)
    return value if isinstance(value, time) else read_time(str(value))


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    forms = {Type.DATETIME: "date_trunc('milliseconds', {0} AT TIME ZONE 'UTC')::time", Type.TIME: "{0}"}
    return args[0].wrap(forms.get(nodes[0].type, "trellis_fn.read_time({0})"), args)


FUNCTION = Function(
    "TIMEVALUE",
    ("text -> time", "datetime -> time", "time -> time"),
    "The time that a text (`HH:mm:ss.SSS`) names, or the UTC time of a moment.",
    "dates",
    python=timevalue,
    postgresql=_sql,
    fails="null",
    examples=(('TIMEVALUE("10:40:55.666")', "10:40:55.666"), ('TIMEVALUE("10:40")', "error")),
)
