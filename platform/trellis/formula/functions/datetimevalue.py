"""DATETIMEVALUE"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from trellis.formula.function import Function
from trellis.formula.moments import read_moment
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def datetimevalue(value: object) -> datetime:
    """Return the moment that a text names, or midnight (UTC) of a day."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return read_moment(str(value))


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    forms = {Type.DATETIME: "{0}", Type.DATE: "({0}::timestamp AT TIME ZONE 'UTC')"}
    return args[0].wrap(forms.get(nodes[0].type, "trellis_fn.read_moment({0})"), args)


FUNCTION = Function(
    "DATETIMEVALUE",
    ("text -> datetime", "date -> datetime", "datetime -> datetime"),
    "The moment that a text (`yyyy-mm-dd hh:mm:ss`, UTC) names, or midnight of a day.",
    "dates",
    python=datetimevalue,
    postgresql=_sql,
    fails="null",
    examples=(('DATETIMEVALUE("2016-3-1 13:15:10")', "2016-03-01T13:15:10Z"), ('DATETIMEVALUE("soon")', "error")),
)
