"""DATEVALUE"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from trellis.formula.function import Function, Reads
from trellis.formula.moments import day_of, read_date
from trellis.formula.sql.pieces import Sql
from trellis.formula.values import Context
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def datevalue(context: Context, value: object) -> date:
    """Return the day of a moment in the zone of the context, or the day that a text names."""
    if isinstance(value, datetime):
        return day_of(value, context.zone)
    return value if isinstance(value, date) else read_date(str(value))


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    forms = {Type.DATETIME: "trellis_fn.day_of({0}, {zone})", Type.DATE: "{0}"}
    return args[0].wrap(forms.get(nodes[0].type, "trellis_fn.read_date({0})"), args)


FUNCTION = Function(
    "DATEVALUE",
    ("text -> date", "datetime -> date", "date -> date"),
    "The day that a text (`yyyy-mm-dd`) names, or the day of a moment in the organisation's zone.",
    "dates",
    reads=Reads.ZONE,
    context=True,
    python=datevalue,
    postgresql=_sql,
    fails="null",
    examples=(('DATEVALUE("2005-01-02")', "2005-01-02"), ('DATEVALUE("2005-02-30")', "error")),
)
