"""TEXT"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.moments import write_moment, write_time
from trellis.formula.numbers import plain
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def write(value: object) -> str:
    """Write a value in its plain form."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return write_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return write_time(value)
    return ";".join(map(str, value)) if isinstance(value, tuple) else str(value)


_FORMS = {
    Type.NUMBER: "trellis_fn.plain({0})",
    Type.DATE: "to_char({0}, 'YYYY-MM-DD')",
    Type.PICKLIST: "{0}",
    Type.DATETIME: "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"')",
    Type.TIME: "to_char({0}, 'HH24:MI:SS.MS')",
    Type.BLANK: "NULL::text",
    Type.MULTIPICKLIST: "btrim({0}, ';')",
}


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return args[0].wrap(_FORMS[nodes[0].type], args)


FUNCTION = Function(
    "TEXT",
    ("number|date|datetime|time|picklist|multipicklist -> text",),
    "The value as text: plain digits, `2005-01-03`, "
    "`2016-02-29 13:15:10Z`, `08:34:56.789`, the name of a picklist's option.",
    "text",
    python=write,
    postgresql=_sql,
    examples=(("TEXT(1.50)", '"1.5"'), ("TEXT(DATE(2005, 1, 3))", '"2005-01-03"')),
)
