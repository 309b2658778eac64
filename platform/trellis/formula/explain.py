"""Why a formula gives what it gives: its tree with the value at each node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import DecimalException
from typing import Any

from trellis.formula.python import closure_of
from trellis.formula.values import Context, ErrorValue, EvaluationError
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, Typed, fold


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a formula: its text, what it is, its value, and its parts."""

    text: str
    label: str
    value: Any
    parts: tuple[Step, ...]

    def lines(self, indent: int = 0) -> list[str]:
        """Return the tree as indented lines."""
        shown = (
            f"error: {self.value.message}"
            if isinstance(self.value, ErrorValue)
            else "blank"
            if self.value is None
            else str(self.value)
        )
        return [
            f"{'  ' * indent}{self.label} = {shown}",
            *(line for part in self.parts for line in part.lines(indent + 1)),
        ]


def explain(typed: Typed, context: Context) -> Step:
    """Return the tree of ``typed`` with the value at each node for one row.

    Parts that the evaluation did not need (the other branch of an IF) have their value too. Errors are shown where
    they arise.
    """

    def visit(node: Node, parts: Sequence[Step]) -> Step:
        shown = () if isinstance(node, FormulaField) else tuple(parts)
        text = spelled(typed.text, node.start, node.end)
        return Step(text, _label(node) + _note(node, parts), _value(node, context), shown)

    return fold(typed.root, visit)


def spelled(text: str, start: int, end: int) -> str:
    """Return the characters from ``start`` to ``end`` with the brackets that belong to them.

    Places in a tree are those of its first and last name or constant; brackets are not part of it.
    """
    depth = lowest = 0
    for found in _BRACKETS.finditer(text, start, end):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        lowest = min(lowest, depth)
    for found in _BRACKETS.finditer(text, end):
        if depth <= lowest:
            break
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        end = found.end()
    opened: list[int] = []
    for found in _BRACKETS.finditer(text, 0, start):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")":
            opened.pop()
    return text[opened[lowest] if lowest and len(opened) >= -lowest else start : end]


_BRACKETS = re.compile(r"""[()]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


def _note(node: Node, parts: Sequence[Step]) -> str:
    note = getattr(node.function, "note", None) if isinstance(node, Call) else None
    values = [part.value for part in parts]
    if note is None or any(isinstance(v, ErrorValue) for v in values):
        return ""
    return f" ({note(values)})"


def _value(node: Node, context: Context) -> Any:
    try:
        return closure_of(node)(context)
    except EvaluationError as error:
        return ErrorValue(error.code, error.message)
    except (DecimalException, OverflowError):
        return ErrorValue("arithmetic", "The numbers are too large.")


def _label(node: Node) -> str:
    match node:
        case Const(value=value):
            return repr(value) if isinstance(value, str) else "null" if value is None else str(value)
        case Field(symbol=symbol) | FormulaField(symbol=symbol):
            return symbol.path
        case Apply(op=op):
            return op
        case Call(function=function):
            return function.name
