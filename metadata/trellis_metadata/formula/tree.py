"""The tree of a parsed formula, before names and types are known. ``start`` and ``end`` are character positions.

Runs of left-associative operators of one level are one :class:`Chain`, so that a sum of a thousand terms is one node
and not a tree a thousand levels deep.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, truth value or ``null``."""

    value: Decimal | str | bool | None
    start: int
    end: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A field, a path over relations, or a global such as ``$user.name``."""

    text: str
    start: int
    end: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``+x`` or ``!x`` (also written ``NOT x``)."""

    op: str
    operand: Tree
    start: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True)
class Chain:
    """``first op operand op operand …`` with operators of one level, read from the left."""

    first: Tree
    rest: tuple[tuple[str, int, Tree], ...]
    """Operator, its position, its right operand."""
    start: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments; infix ``IN``, ``LIKE`` and ``BETWEEN`` are calls too."""

    name: str
    arguments: tuple[Tree, ...]
    start: int
    end: int
    depth: int


Tree = Literal | Name | Unary | Chain | Call


def children(tree: Tree) -> tuple[Tree, ...]:
    """Return the direct parts of a node, from left to right."""
    match tree:
        case Unary():
            return (tree.operand,)
        case Chain():
            return (tree.first, *(operand for _, _, operand in tree.rest))
        case Call():
            return tree.arguments
        case _:
            return ()
