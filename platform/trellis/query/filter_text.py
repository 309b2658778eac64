"""The two forms of a filter: the tree of the builder and the text of a formula, each turned into the other.

``text_of`` and ``tree_of`` keep the meaning: a tree and its text select the same records. A tree of comparisons comes back
from its text as it was, with values in their canonical form (``"100"`` for 100). A part of a text that no comparison of the
builder says stands in the tree as ``{"formula": …}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.model import Model
from trellis.query.filter_conditions import Conditions, NoTextForm
from trellis.rules.filter_formulas import typed_filter
from trellis_metadata.formula import tree as t
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.writer import Unwritable, write

__all__ = ["NoTextForm", "text_of", "tree_of"]
_GROUPS = {"and": ("&&", "AND", True), "or": ("||", "OR", False)}


def text_of(tree: Mapping[str, Any], object_name: str, model: Model) -> str:
    """Return the filter ``tree`` over an object as the text of a formula.

    Raises :class:`NoTextForm` where a condition cannot be said in a formula (a field that formulas do not see, a value
    with a line break), ``FormulaError`` for a wrong formula in the tree. The tree has the right shape.
    """
    try:
        text = write(_written(tree, Conditions(model, object_name)))
    except Unwritable as problem:
        raise NoTextForm(str(problem)) from None
    try:
        typed_filter(text, object_name, model.snapshot)
    except FormulaError as error:
        raise NoTextForm(f"The filter has no text: {error.problems[0].message}") from None
    return text


def tree_of(text: str, object_name: str, model: Model) -> dict[str, Any]:
    """Return the formula ``text`` over an object as a filter tree. Raises ``FormulaError``."""
    typed_filter(text, object_name, model.snapshot)
    return _read(parse(text), Conditions(model, object_name))


def _written(tree: Mapping[str, Any], conditions: Conditions) -> t.Tree:
    if "formula" in tree:
        return parse(tree["formula"])
    if "not" in tree:
        return t.Unary("!", _written(tree["not"], conditions), 0, 0, 1)
    for key, (operator, function, empty) in _GROUPS.items():
        if key in tree:
            parts = [_written(part, conditions) for part in tree[key]]
            if not parts:
                return t.Literal(empty, 0, 0)
            if len(parts) == 1:
                return t.Call(function, tuple(parts), 0, 0, 1)
            return t.Chain(parts[0], tuple((operator, 0, part) for part in parts[1:]), 0, 0, 1)
    return conditions.written(tree)


def _read(node: t.Tree, conditions: Conditions) -> dict[str, Any]:
    group = _group(node)
    if group is not None:
        key, parts = group
        return {key: [_read(part, conditions) for part in parts]}
    match node:
        case t.Literal(value=bool() as value):
            return {"and": []} if value else {"or": []}
        case t.Unary(op="!", operand=inner) | t.Call(name="NOT", arguments=(inner,)):
            return {"not": _read(inner, conditions)}
    return conditions.read(node) or {"formula": write(node)}


def _group(node: t.Tree) -> tuple[str, tuple[t.Tree, ...]] | None:
    for key, (operator, function, _) in _GROUPS.items():
        if isinstance(node, t.Call) and node.name == function:
            return key, node.arguments
        if isinstance(node, t.Chain) and all(op == operator for op, _, _ in node.rest):
            return key, t.children(node)
    return None
