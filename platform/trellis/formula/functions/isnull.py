"""ISNULL"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql
from trellis.formula.values import Closure
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    if nodes[0].type is Type.BOOLEAN:
        return Complaint("ISNULL cannot ask a truth value: it is never blank. Use ISBLANK.", 0)
    return Type.BOOLEAN


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    value = closures[0]
    if nodes[0].type is Type.TEXT:
        return lambda context: value(context) is NotImplemented
    return lambda context: value(context) is None


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return args[0].wrap("false" if nodes[0].type is Type.TEXT else "({0} IS NULL)", args)


FUNCTION = Function(
    "ISNULL",
    ("any -> boolean",),
    "Whether there is no value; always false for texts. Prefer ISBLANK.",
    "logic",
    Blanks.OWN,
    check=_check,
    count=(1, 1),
    build=_build,
    postgresql=_sql,
    examples=(("ISNULL(null)", "true"), ('ISNULL("")', "false")),
)
