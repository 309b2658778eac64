"""The typed tree: every name resolved, every operator and function chosen by the types of its operands.

INVARIANT: a node is immutable and may occur in several places (a formula field that two others use is one object), so
back ends memoise by identity. Walks are loops, not recursion: depth of a formula never meets Python's stack limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar

from trellis_metadata.formula.functions import FunctionSpec
from trellis_metadata.formula.scope import Symbol
from trellis_metadata.formula.types import Type

Value = Decimal | str | bool | int | date | datetime | time | tuple[object, ...] | None
"""What an expression gives. A blank and an empty text are both None; dates with time are in UTC."""


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A value known before evaluation."""

    type: Type
    value: Value
    start: int
    end: int
    depth: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A stored field, a path over relations, or a global. ``zero``: a blank number counts as 0."""

    type: Type
    symbol: Symbol
    zero: bool
    start: int
    end: int
    depth: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class FormulaField:
    """Another formula used by name; its value is not rounded on the way."""

    type: Type
    symbol: Symbol
    zero: bool
    body: Node
    start: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An operator, already chosen by types. ``signs`` has one character per argument for ``sum`` and ``product``."""

    type: Type
    op: str
    args: tuple[Node, ...]
    start: int
    end: int
    depth: int
    signs: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function with its arguments."""

    type: Type
    function: FunctionSpec
    args: tuple[Node, ...]
    start: int
    end: int
    depth: int


Node = Const | Field | FormulaField | Apply | Call


@dataclass(frozen=True, slots=True, eq=False)
class Typed:
    """A checked formula: its text, its tree, the type of its result, and how it reads blank numbers."""

    text: str
    root: Node
    type: Type
    blanks: str


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of a node."""
    kind = node.__class__
    if kind is Const or kind is Field:
        return ()
    return (node.body,) if isinstance(node, FormulaField) else node.args  # type: ignore[union-attr]


R = TypeVar("R")


def fold(root: Node, visit: Callable[[Node, Sequence[R]], R]) -> R:
    """Combine a tree from its leaves: ``visit`` gets each distinct node once, with the results of its parts."""
    done: dict[int, R] = {}
    waiting: list[Node] = [root]
    entered: set[int] = set()
    while waiting:
        node = waiting[-1]
        key = id(node)
        if key in done:
            waiting.pop()
            continue
        parts = children(node)
        if parts and key not in entered:
            entered.add(key)
            waiting.extend(parts[::-1])
        else:
            waiting.pop()
            done[key] = visit(node, [done[id(p)] for p in parts])
    return done[id(root)]


def walk(root: Node) -> list[Node]:
    """Return every distinct node, parts before wholes."""
    found: list[Node] = []
    fold(root, lambda node, _: found.append(node))
    return found
