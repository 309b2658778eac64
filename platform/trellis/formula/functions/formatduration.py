"""FORMATDURATION"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.formats import format_duration
from trellis.formula.function import Function
from trellis.formula.sql.pieces import Sql
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    if Type.TIME in (nodes[0].type, nodes[-1].type):
        return args[0].wrap("trellis_fn.duration(abs(trellis_fn.ms({0}) - trellis_fn.ms({1})) / 1000, false)", args)
    if Type.DATETIME in (nodes[0].type, nodes[-1].type):
        return args[0].wrap("trellis_fn.duration(trellis_fn.seconds({0}) - trellis_fn.seconds({1}), true)", args)
    return args[0].wrap("trellis_fn.duration({0}, {1})" if len(args) > 1 else "trellis_fn.duration({0}, false)", args)


FUNCTION = Function(
    "FORMATDURATION",
    ("number, boolean? -> text", "time, time -> text", "datetime, datetime -> text"),
    "Seconds, or the difference of two times, as `hh:mm:ss` or `d:hh:mm:ss`.",
    "text",
    python=format_duration,
    postgresql=_sql,
    fails="null",
    examples=(("FORMATDURATION(1000000)", '"277:46:40"'), ("FORMATDURATION(1000000, true)", '"11:13:46:40"')),
)
