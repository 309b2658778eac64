"""UNIXTIMESTAMP"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.moments import EPOCH, micros, millis
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def unixtimestamp(value: object) -> Decimal:
    """Return the whole seconds since 1970, or since midnight."""
    if isinstance(value, time):
        return Decimal(millis(value) // 1000)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    assert isinstance(value, datetime)
    return Decimal(micros(value - EPOCH) // 1_000_000)


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    forms = {Type.TIME: "floor(trellis_fn.ms({0}) / 1000)", Type.DATE: "({0} - DATE '1970-01-01')::numeric * 86400"}
    return args[0].wrap(forms.get(nodes[0].type, "floor(trellis_fn.seconds({0}))"), args)


FUNCTION = Function(
    "UNIXTIMESTAMP",
    ("date|datetime|time -> number",),
    "Seconds since 1970, for a time since midnight.",
    "dates",
    python=unixtimestamp,
    postgresql=_sql,
    examples=(("UNIXTIMESTAMP(DATE(2005, 4, 5))", "1112659200"),),
)
