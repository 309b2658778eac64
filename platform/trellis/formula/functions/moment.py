"""MOMENT"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from trellis.formula.function import Function
from trellis.formula.sql.pieces import Sql
from trellis.formula.values import Closure
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import Type


def _read(node: Node) -> datetime | None:
    text = node.value if isinstance(node, Const) else None
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    if _read(nodes[0]) is None:
        return Complaint('MOMENT needs a date and time with its zone, such as "2026-11-22T08:00:00Z".', 0, "bad_date")
    return Type.DATETIME


def _build(nodes: Sequence[Node], _: Sequence[Closure]) -> Closure:
    moment = _read(nodes[0])
    return lambda _: moment


def _sql(nodes: Sequence[Node], _: Sequence[Sql]) -> Sql:
    moment = _read(nodes[0])
    assert moment is not None
    return Sql((f"timestamptz '{moment.isoformat()}'",))


FUNCTION = Function(
    "MOMENT",
    ("text -> datetime",),
    "The date and time that stands there, in the form of ISO 8601 with its zone, to the microsecond.",
    "dates",
    check=_check,
    count=(1, 1),
    build=_build,
    postgresql=_sql,
    examples=(('MOMENT("2026-11-22T08:00:00+08:00")', "2026-11-22T00:00:00Z"),),
)
