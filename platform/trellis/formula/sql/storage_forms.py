"""Which stored forms formulas can read in SQL.

A reference is stored as a number, but formulas see its external id, a text. SQL can still ask whether there is one, and
compare it with others and with ids that stand in the formula; everything else about it is refused by name. A list of options is stored as ``;a;b;``.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from trellis.fields.common.columns import JoinedText
from trellis.formula.sql.pieces import Refused
from trellis.record_id import BadRecordId, parse_id
from trellis_metadata.formula.typed import Apply, Call, Const, Field, Node, children, fold, walk
from trellis_metadata.formula.types import Type

_ASKING = frozenset({"ISBLANK", "ISNULL", "ISPRESENT"})
_COMPARING = frozenset({"IN", "DIFFERS", "EXCEPT"})
NO_RECORD = -1
"""Number of a record that there is none of: what a text that is no id stands for."""
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
    if isinstance(node, Call) and node.function.name in _ASKING:
        return True
    return _compares(node) and all(a.type is Type.REFERENCE for a in children(node))


def _compares(node: Node) -> bool:
    if isinstance(node, Call):
        return node.function.name in _COMPARING
    return isinstance(node, Apply) and node.op in _EQUALITIES


def with_numbers(root: Node) -> Node:
    """Return the tree with ids that are compared with references as numbers, which is how references are stored."""
    if not any(isinstance(n, Field) and n.type is Type.REFERENCE for n in walk(root)):
        return root
    return fold(root, _numbered)


def _numbered(node: Node, parts: Sequence[Node]) -> Node:
    if not isinstance(node, Apply | Call):
        return node
    args = tuple(parts)
    ids = [isinstance(a, Const) and isinstance(a.value, str) for a in args]
    references = [isinstance(a, Field) and a.type is Type.REFERENCE for a in args]
    if _compares(node) and any(references) and all(map(operator.or_, ids, references)):
        args = tuple(_number(a) if isinstance(a, Const) else a for a in args)
    return node if args == node.args else replace(node, args=args)


def _number(node: Const) -> Const:
    try:
        number = parse_id(node.value, [])[1]
    except BadRecordId:
        number = NO_RECORD
    return replace(node, type=Type.REFERENCE, value=number)


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
