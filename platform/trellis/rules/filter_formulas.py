"""Formulas as filters. They look at stored records, and they mean what the filter builder means.

A blank makes a comparison blank (``blanks="blank"``), and a condition that is blank counts as false, inside NOT as well: so
``NOT(amount > 5)`` selects the records without an amount, as ``{"not": {"field": "amount", …}}`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trellis.rules.formula_checks import only_while_saving
from trellis.rules.scope import ObjectScope
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Apply, Call, FormulaField, Node, Typed, fold
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

BLANKS = "blank"


def typed_filter(text: str, object_name: str, snapshot: Snapshot) -> Typed:
    """Return the typed condition over records of an object. Raises ``FormulaError`` with everything that is wrong."""
    scope = ObjectScope(snapshot, object_name)
    typed = check(parse(text), scope, text=text, returns=Type.BOOLEAN, blanks=BLANKS)
    problems = tuple(only_while_saving(typed.root))
    if problems:
        raise FormulaError(text, problems)
    return replace(typed, root=fold(typed.root, _rebuilt))


def _rebuilt(node: Node, parts: Sequence[Node]) -> Node:
    if isinstance(node, FormulaField):
        # It is a formula of its own, and means the same wherever it is used.
        return node
    if isinstance(node, Apply) and node.op == "not":
        inner = parts[0]
        return replace(
            node, args=(replace(node, op="and", args=(inner,), depth=inner.depth + 1),), depth=inner.depth + 2
        )
    if isinstance(node, Apply | Call) and tuple(parts) != node.args:
        return replace(node, args=tuple(parts))
    return node
