"""IF"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, choose
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.typed import Node


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    condition, yes, no = closures

    def choose_one(context: Context) -> object:
        return yes(context) if condition(context) else no(context)

    return choose_one


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return choose([(args[0], args[1])], args[2])


FUNCTION = Function(
    "IF",
    ("boolean, T, T -> T",),
    "The second value where the condition is true, else the third. Only the one that is needed is computed.",
    "logic",
    Blanks.OWN,
    build=_build,
    postgresql=_sql,
    examples=(("IF(1 = 1, 37, 1/0)", "37"), ("IF(1 = null, 1, 0)", "0")),
)
