"""Which stored forms formulas can read in SQL.

A reference is stored as a number, but formulas see its external id, a text. SQL can still ask whether there is one, and
compare two of them; everything else about it is refused by name. A list of options is stored as ``;a;b;``.
"""

from __future__ import annotations

import sqlalchemy as sa

from trellis.fields.common.columns import JoinedText
from trellis.formula.sql.pieces import Refused
from trellis_metadata.formula.typed import Apply, Call, Field, Node, children, walk
from trellis_metadata.formula.types import Type

_ASKING = frozenset({"ISBLANK", "ISNULL"})
_EQUALITIES = frozenset({"text_equal", "text_unequal"})


def references_as_numbers(root: Node) -> frozenset[int]:
    """Return the nodes (by identity) of references whose stored number will do: only asked for or compared."""
    uses: dict[int, bool] = {}
    for node in walk(root):
        harmless = _is_harmless(node)
        for part in children(node):
            if isinstance(part, Field) and part.type is Type.REFERENCE:
                uses[id(part)] = harmless and uses.get(id(part), True)
    return frozenset(key for key, fine in uses.items() if fine)


def _is_harmless(node: Node) -> bool:
    if isinstance(node, Call):
        return node.function.name in _ASKING
    both = isinstance(node, Apply) and all(isinstance(a, Field) and a.type is Type.REFERENCE for a in node.args)
    return both and isinstance(node, Apply) and node.op in _EQUALITIES


def require_readable(node: Field, element: sa.ColumnElement[object], numbers: frozenset[int]) -> None:
    """Refuse a field whose stored form is not what formulas see."""
    stored = element.type
    readable = True
    if node.type is Type.REFERENCE:
        readable = isinstance(stored, sa.Text | sa.String) or id(node) in numbers
    elif node.type is Type.MULTIPICKLIST:
        readable = isinstance(stored, JoinedText)
    elif node.type in (Type.LOCATION, Type.UNKNOWN):
        readable = False
    if not readable:
        raise Refused(f"'{node.symbol.path}' is stored in a form that formulas cannot read in SQL")
