"""IFS"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, choose
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import WORDS, Type, common


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    result = Type.BLANK
    for index, node in enumerate(nodes):
        if index % 2 == 0 and index < len(nodes) - 1:
            if node.type not in (Type.BOOLEAN, Type.UNKNOWN):
                return Complaint(
                    f"Argument {index + 1} of IFS must be a condition, but {WORDS[node.type]} is given.", index
                )
            continue
        joined = common(result, node.type)
        if joined is None:
            return Complaint(
                f"IFS needs values of one type: {WORDS[result]} and {WORDS[node.type]} do not go together.", index
            )
        result = joined
    return result


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    pairs = list(zip(closures[0:-1:2], closures[1:-1:2], strict=True))
    default = closures[-1]

    def choose_one(context: Context) -> object:
        for condition, value in pairs:
            if condition(context):
                return value(context)
        return default(context)

    return choose_one


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return choose(list(zip(args[0:-1:2], args[1:-1:2], strict=True)), args[-1])


FUNCTION = Function(
    "IFS",
    ("boolean, T, boolean, T, T -> T",),
    "The value after the first condition that is true, else the last value.",
    "logic",
    Blanks.OWN,
    check=_check,
    count=(3, 255),
    parity=1,
    build=_build,
    postgresql=_sql,
    examples=(("IFS(1 = 37, 1, 2 <> 37, 2, 0)", "2"),),
)
