"""IFERROR"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import DecimalException

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql, recover
from trellis.formula.values import Closure, Context, EvaluationError
from trellis_metadata.formula.typed import Node


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    first, second = closures

    def recovered(context: Context) -> object:
        try:
            return first(context)
        except (EvaluationError, DecimalException, OverflowError):
            return second(context)

    return recovered


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return recover(args[0], args[1])


FUNCTION = Function(
    "IFERROR",
    ("T, T -> T",),
    "The first value, or the second where the first is an error. A blank is not an error.",
    "logic",
    Blanks.OWN,
    build=_build,
    postgresql=_sql,
    examples=(("IFERROR(1/0, 37)", "37"), ("IFERROR(5, 1/0)", "5")),
)
