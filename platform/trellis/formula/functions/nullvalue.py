"""NULLVALUE"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.sql.pieces import Sql
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def returns_unchanged(nodes: Sequence[Node]) -> bool:
    """Say whether the call gives its first argument whatever it is: texts are never null."""
    return Type.TEXT in (nodes[0].type, nodes[1].type)


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    first, second = closures
    unchanged = returns_unchanged(nodes)

    def nullvalue(context: Context) -> object:
        value, other = first(context), second(context)
        return other if value is None and not unchanged else value

    return nullvalue


def _sql(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
    return args[0].wrap("{0}" if returns_unchanged(nodes) else "coalesce({0}, {1})", args)


FUNCTION = Function(
    "NULLVALUE",
    ("T, T -> T",),
    "The second value where the first is blank; a text is returned as it is. Prefer BLANKVALUE.",
    "logic",
    Blanks.OWN,
    build=_build,
    postgresql=_sql,
    examples=(("NULLVALUE(null, 6)", "6"), ("NULLVALUE(37, 6)", "37")),
)
