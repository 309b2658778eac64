"""Which operator binds tighter. The grammar delivers flat runs ``a + b * c``; here they become a tree.

Loosest first: ``||`` · ``&&`` · ``= <>`` · ``< > <= >= IN LIKE BETWEEN`` · ``+ - &`` · ``* /`` · ``^`` · unary. All are
left-associative and unary operators bind tightest, so ``-2^2`` is 4. Neighbours of one level share one flat
:class:`~trellis_metadata.formula.tree.Chain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trellis_metadata.formula.tree import Call, Chain, Tree, Unary

MAX_DEPTH = 220
"""Deepest nesting of operators and calls; parentheses alone do not count."""

LEVELS = {
    "||": 1,
    "&&": 2,
    "=": 3,
    "<>": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "IN": 4,
    "LIKE": 4,
    "BETWEEN": 4,
    "AND": 4,
    "+": 5,
    "-": 5,
    "&": 5,
    "*": 6,
    "/": 6,
    "^": 7,
}


class TooDeep(Exception):
    """The tree between these positions is nested too deeply."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__("too deep")
        self.start, self.end = start, end


class Misplaced(Exception):
    """An ``AND`` without its ``BETWEEN``, or the reverse."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start, self.end = start, end


@dataclass(frozen=True, slots=True)
class Step:
    """One operator and its right side (a list of values for ``IN``)."""

    op: str
    start: int
    end: int
    right: Any
    negated: bool = False


def depth_of(parts: Sequence[Tree], start: int, end: int) -> int:
    """Return the depth of a node over ``parts``; raises ``TooDeep``."""
    depth = 1 + max((p.depth for p in parts), default=0)
    if depth > MAX_DEPTH:
        raise TooDeep(start, end)
    return depth


def call(name: str, arguments: Sequence[Tree], start: int, end: int) -> Call:
    """Return a call node over ``arguments``."""
    return Call(name, tuple(arguments), start, end, depth_of(arguments, start, end))


def arrange(first: Tree, steps: Sequence[Step]) -> Tree:
    """Return the tree of ``first`` followed by ``steps``. One pass.

    Operands wait on a stack until a looser operator comes.
    """
    values: list[Tree] = []
    pending: list[list[Step]] = []
    current = first
    for step in steps:
        level = LEVELS[step.op]
        while pending and LEVELS[pending[-1][0].op] > level:
            current = _reduce(values.pop(), pending.pop(), current)
        if pending and LEVELS[pending[-1][0].op] == level:
            pending[-1][-1] = _filled(pending[-1][-1], current)
            pending[-1].append(step)
        else:
            values.append(current)
            pending.append([step])
        current = step.right
    while pending:
        current = _reduce(values.pop(), pending.pop(), current)
    return current


def _filled(step: Step, right: Any) -> Step:
    return step if step.right is right else Step(step.op, step.start, step.end, right, step.negated)


def _reduce(first: Tree, steps: list[Step], last: Any) -> Tree:
    steps[-1] = _filled(steps[-1], last)
    if LEVELS[steps[0].op] == 4:
        return _relations(first, steps)
    rest = tuple((s.op, s.start, s.right) for s in steps)
    end = steps[-1].right.end
    return Chain(first, rest, first.start, end, depth_of([first, *(s.right for s in steps)], first.start, end))


def _relations(left: Tree, steps: list[Step]) -> Tree:
    at = 0
    while at < len(steps):
        step = steps[at]
        if step.op == "AND":
            raise Misplaced("Found 'AND' between two conditions: write '&&', or AND(…, …).", step.start, step.end)
        if step.op == "BETWEEN":
            at += 1
            if at == len(steps) or steps[at].op != "AND":
                raise Misplaced("BETWEEN needs two limits: x BETWEEN low AND high.", step.start, step.end)
            left = call("BETWEEN", [left, step.right, steps[at].right], left.start, steps[at].right.end)
        elif step.op == "IN":
            left = call("IN", [left, *step.right], left.start, step.right[-1].end)
        elif step.op == "LIKE":
            left = call("LIKE", [left, step.right], left.start, step.right.end)
        else:
            end = step.right.end
            left = Chain(
                left,
                ((step.op, step.start, step.right),),
                left.start,
                end,
                depth_of((left, step.right), left.start, end),
            )
        if step.negated:
            left = Unary("!", left, left.start, left.end, depth_of((left,), left.start, left.end))
        at += 1
    return left
