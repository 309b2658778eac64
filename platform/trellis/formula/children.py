"""Aggregates over child records in a formula: ``SUM(lines.amount)``.

The checker turns such a call into a field with the call as its path; a roll-up keeps that field's value. The plan
shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from trellis_metadata.formula.functions import Check, Complaint, FunctionSpec
from trellis_metadata.formula.typed import Field, Node
from trellis_metadata.formula.types import WORDS, Type


def is_child_list(node: Node) -> bool:
    """Say whether a node is a path through a child list."""
    return isinstance(node, Field) and node.symbol.many


def aggregate_or(name: str, form: str) -> Check:
    """Return the check of a function that takes either values or one child list."""
    plain = FunctionSpec(name, (form,), "", "")

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        if len(nodes) == 1 and is_child_list(nodes[0]):
            return nodes[0].type
        return plain.infer(nodes)

    return check


def aggregate(name: str, accepts: frozenset[Type], result: Type | None = None) -> Check:
    """Return the check of a function that only takes a child list."""

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        node = nodes[0]
        if not is_child_list(node) and node.type is not Type.UNKNOWN:
            return Complaint(f"{name} needs a list of child records, such as {name}(lines.amount).", 0)
        if accepts and node.type not in (*accepts, Type.UNKNOWN):
            return Complaint(f"{name} cannot be taken of {WORDS[node.type]}.", 0)
        return result or node.type

    return check
