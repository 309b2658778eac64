"""PRIORVALUE"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function, Reads
from trellis.formula.numbers import WIDE
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Field, FormulaField, Node
from trellis_metadata.formula.types import Type


def check_own_field(name: str, nodes: Sequence[Node]) -> Complaint | None:
    """Check that the argument is a stored field of the record itself."""
    node = nodes[0]
    if node.type is Type.UNKNOWN:
        return None
    if not isinstance(node, Field | FormulaField) or node.symbol.relations or node.symbol.is_global:
        return Complaint(f"{name} asks a field of the record itself.", 0)
    return None


def prior(node: Node, context: Context) -> object:
    """Return the value of a field before the change, in the form in which formulas see it."""
    if context.old is None or not isinstance(node, Field | FormulaField):
        return None
    value = context.old.get(node.symbol.path)
    return WIDE.scaleb(value, -2) if node.symbol.percent and value is not None else value


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    return lambda context: prior(nodes[0], context)


FUNCTION = Function(
    "PRIORVALUE",
    ("any -> any",),
    "The value of the field before the change; blank for a new record.",
    "change",
    Blanks.OWN,
    Reads.CHANGE,
    check=lambda nodes: check_own_field("PRIORVALUE", nodes) or nodes[0].type,
    count=(1, 1),
    build=_build,
    examples=(("PRIORVALUE(amount)", "null"),),
    refused="PRIORVALUE is known only while a record is saved",
)
