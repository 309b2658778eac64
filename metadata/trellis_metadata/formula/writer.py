"""From tree to text: the canonical spelling of a formula. ``parse(write(tree))`` is ``tree`` again, places aside."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trellis_metadata.formula.precedence import LEVELS
from trellis_metadata.formula.tree import Call, Chain, Literal, Name, Tree, Unary, children

TIGHTEST = 9


class Unwritable(Exception):
    """A value that no formula can hold, such as a text with a line break."""


def write(root: Tree) -> str:
    """Return the text of a tree. Raises :class:`Unwritable`."""
    done: dict[int, str] = {}
    waiting: list[tuple[Tree, bool]] = [(root, False)]
    while waiting:
        node, ready = waiting.pop()
        parts = children(node)
        if ready or not parts:
            done[id(node)] = _text(node, [_operand(node, p, done[id(p)]) for p in parts])
        else:
            waiting.append((node, True))
            waiting.extend((p, False) for p in parts)
    return done[id(root)]


def quoted(text: str) -> str:
    """Return a text in quotes. Raises :class:`Unwritable` for one with a line break."""
    if "\n" in text or "\r" in text:
        raise Unwritable("A text with a line break cannot be written in a formula.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def number(value: Decimal) -> str:
    """Return a number in digits; a formula knows no exponents."""
    return format(value, "f")


def _operand(whole: Tree, part: Tree, text: str) -> tuple[str, str]:
    """Return the text of a part as it stands between operators, and between commas."""
    looser = _level(part) <= (_level(whole) if isinstance(whole, Chain) else TIGHTEST - 1)
    return (f"({text})" if looser else text), text


def _level(node: Tree) -> int:
    """Return how tightly the operator of a node binds."""
    if isinstance(node, Chain):
        return LEVELS[node.rest[0][0]]
    return LEVELS["IN"] if _is_infix(node) else TIGHTEST


def _is_infix(node: Tree) -> bool:
    return isinstance(node, Call) and (
        (node.name == "IN" and len(node.arguments) > 1) or (node.name == "BETWEEN" and len(node.arguments) == 3)
    )


def _text(node: Tree, parts: Sequence[tuple[str, str]]) -> str:
    match node:
        case Literal(value=None):
            return "NULL"
        case Literal(value=bool() as value):
            return "TRUE" if value else "FALSE"
        case Literal(value=Decimal() as value):
            return number(value)
        case Literal(value=value):
            return quoted(str(value))
        case Name(text=text):
            return text
        case Unary(op=op):
            return f"NOT {parts[0][0]}" if op == "!" else f"{op}{parts[0][0]}"
        case Chain(rest=rest):
            steps = (f" {op} {inner}" for (op, _, _), (inner, _) in zip(rest, parts[1:], strict=True))
            return parts[0][0] + "".join(steps)
        case Call(name=name):
            inside = [inner for _, inner in parts]
            if _is_infix(node):
                listed = f"({', '.join(inside[1:])})" if name == "IN" else " AND ".join(p for p, _ in parts[1:])
                return f"{parts[0][0]} {name} {listed}"
            return f"{name}({', '.join(inside)})"
