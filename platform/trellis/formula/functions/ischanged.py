"""ISCHANGED"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function, Reads
from trellis.formula.functions.priorvalue import check_own_field, prior
from trellis.formula.values import Closure, Context
from trellis_metadata.formula.typed import Node
from trellis_metadata.formula.types import Type


def _plain(value: object) -> object:
    return (value.replace("\r\n", "\n") or None) if isinstance(value, str) else value


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    current = closures[0]

    def changed(context: Context) -> bool:
        if context.old is None:
            return False
        return _plain(prior(nodes[0], context)) != _plain(current(context))

    return changed


FUNCTION = Function(
    "ISCHANGED",
    ("any -> boolean",),
    "Whether the change gives the field another value; false for a new record.",
    "change",
    Blanks.OWN,
    Reads.CHANGE,
    check=lambda nodes: check_own_field("ISCHANGED", nodes) or Type.BOOLEAN,
    count=(1, 1),
    build=_build,
    examples=(("ISCHANGED(amount)", "false"),),
    refused="ISCHANGED is known only while a record is saved",
)
