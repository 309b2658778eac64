"""ISPICKVAL"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Field, Node
from trellis_metadata.formula.types import WORDS, Type


def check_option(name: str, nodes: Sequence[Node], wanted: Type) -> Type | Complaint:
    """Check a picklist and the literal name of one of its options."""
    if nodes[0].type not in (wanted, Type.UNKNOWN):
        return Complaint(f"{name} asks {WORDS[wanted]}, but {WORDS[nodes[0].type]} is given.", 0)
    option = nodes[1]
    if not isinstance(option, Const) or option.type is not Type.TEXT:
        return Complaint(f"The second argument of {name} must be the name of an option in quotes.", 1)
    values = nodes[0].symbol.values if isinstance(nodes[0], Field) else ()
    if values and option.value is not None and option.value not in values:
        return Complaint(
            f"There is no option '{option.value}'.{did_you_mean(str(option.value), values)}", 1, "unknown_option"
        )
    return Type.BOOLEAN


FUNCTION = Function(
    "ISPICKVAL",
    ("picklist, text -> boolean",),
    'Whether the picklist has this option; `""` asks for no value.',
    "logic",
    Blanks.OWN,
    check=lambda nodes: check_option("ISPICKVAL", nodes, Type.PICKLIST),
    count=(2, 2),
    python=lambda value, option: value == option,
    postgresql="({0} IS NOT DISTINCT FROM {1})",
    sqlite="({0} IS {1})",
    examples=(('ISPICKVAL(stage, "won")', "true"),),
)
