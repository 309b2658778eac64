"""Which operation an operator means for the types of its operands. There are no conversions between types.

Operations (``Apply.op``): ``sum`` and ``product`` (numbers, with signs), ``power``, ``negate``, ``join`` (texts),
``date_shift`` ``datetime_shift`` ``time_shift`` (a moment plus or minus numbers, with signs), ``date_difference``
``datetime_difference`` (days), ``time_difference`` (milliseconds), ``equal`` ``unequal`` (never blank when ``text_``
is in front), ``less`` ``less_equal`` ``greater`` ``greater_equal``, ``and`` ``or`` ``not``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trellis_metadata.formula import tree as t
from trellis_metadata.formula.typed import Apply, Const, Node
from trellis_metadata.formula.types import FREE, WORDS, Type, common

ORDER = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
ORDERED = frozenset({Type.NUMBER, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME, Type.REFERENCE})
LISTS = {"sum", "product", "join", "date_shift", "datetime_shift", "time_shift", "and", "or"}
_TIMES = {Type.DATE: "date", Type.DATETIME: "datetime", Type.TIME: "time"}


class Reporter(Protocol):
    """Somebody who collects problems."""

    def complain(self, place: t.Tree | Node, code: str, message: str) -> None: ...


def apply_unary(node: t.Unary, operand: Node, report: Reporter) -> Node:
    """Type ``-x``, ``+x`` and ``!x``."""
    wanted = Type.BOOLEAN if node.op == "!" else Type.NUMBER
    if operand.type not in (*FREE, wanted):
        report.complain(node, "operand_type", f"'{node.op}' needs {WORDS[wanted]}, but {WORDS[operand.type]} is given.")
        return Const(Type.UNKNOWN, None, node.start, node.end)
    if node.op == "+":
        return operand
    op = "not" if node.op == "!" else "negate"
    return Apply(wanted, op, (operand,), node.start, node.end, operand.depth + 1)


def apply_chain(node: t.Chain, parts: Sequence[Node], report: Reporter) -> Node:
    """Type a run of operators of one level, from the left; equal operations in a row become one flat node."""
    left: Node = parts[0]
    run = _Run()
    for (op, place, _), right in zip(node.rest, parts[1:], strict=True):
        chosen = _choose(op, left, right)
        if chosen is None:
            report.complain(
                Const(Type.UNKNOWN, None, place, place + len(op)), "operand_type", _mismatch(op, left.type, right.type)
            )
            return Const(Type.UNKNOWN, None, node.start, node.end)
        if run.takes(left, chosen[0]):
            left = run.add(op, right)
        else:
            left = run.begin(_join(op, *chosen, run.whole(left), right))
    return run.whole(left)


class _Run:
    """Equal operations in a row, gathered: the arguments of a long run are put together once, not at every step."""

    def __init__(self) -> None:
        self.node: Apply | None = None
        self._args: list[Node] = []
        self._signs: list[str] = []
        self._depth = 0

    def begin(self, node: Node) -> Node:
        """Start anew with a node that may be the first of a run."""
        self.node = node if isinstance(node, Apply) and node.op in LISTS else None
        self._args, self._signs, self._depth = [], [], node.depth
        return node

    def takes(self, left: Node, op: str) -> bool:
        """Whether one more operation ``op`` after ``left`` belongs to the run. A moment takes numbers only."""
        return self.node is left and self.node is not None and self.node.op == op

    def add(self, op: str, right: Node) -> Node:
        assert self.node is not None
        self._args.append(right)
        self._signs.append(op)
        self._depth = max(self._depth, right.depth + 1)
        return self.node

    def whole(self, left: Node) -> Node:
        """Return ``left`` with everything that was added to it."""
        node = self.node
        if node is None or left is not node or not self._args:
            return left
        signs = node.signs + "".join(self._signs) if node.signs else ""
        args = (*node.args, *self._args)
        return Apply(node.type, node.op, args, node.start, self._args[-1].end, self._depth, signs)


def _choose(op: str, left: Node, right: Node) -> tuple[str, Type] | None:
    a, b = left.type, right.type
    if Type.UNKNOWN in (a, b):
        return "unknown", Type.UNKNOWN
    match op:
        case "&&" | "||":
            ok = a in (Type.BOOLEAN, Type.BLANK) and b in (Type.BOOLEAN, Type.BLANK)
            return ("and" if op == "&&" else "or", Type.BOOLEAN) if ok else None
        case "=" | "<>":
            return _equality(op, a, b)
        case "<" | "<=" | ">" | ">=":
            joined = common(a, b)
            return (ORDER[op], Type.BOOLEAN) if joined in ORDERED or joined is Type.BLANK else None
        case "&":
            ok = all(x in (Type.TEXT, Type.REFERENCE, Type.BLANK) for x in (a, b))
            return ("join", Type.TEXT) if ok else None
        case "+":
            return _plus(a, b)
        case "-":
            return _minus(a, b)
        case _:
            ok = all(x in (Type.NUMBER, Type.BLANK) for x in (a, b))
            return ("power" if op == "^" else "product", Type.NUMBER) if ok else None


def _equality(op: str, a: Type, b: Type) -> tuple[str, Type] | None:
    name = "equal" if op == "=" else "unequal"
    texts = (Type.TEXT, Type.REFERENCE, Type.PICKLIST)
    if a in texts or b in texts:
        ok = all(x in (*texts, Type.BLANK) for x in (a, b))
        return (f"text_{name}", Type.BOOLEAN) if ok else None
    joined = common(a, b)
    return (name, Type.BOOLEAN) if joined not in (None, Type.LOCATION, Type.MULTIPICKLIST) else None


def _plus(a: Type, b: Type) -> tuple[str, Type] | None:
    if a in _TIMES and b in (Type.NUMBER, Type.BLANK):
        return f"{_TIMES[a]}_shift", a
    if b in _TIMES and b is not Type.TIME and a in (Type.NUMBER, Type.BLANK):
        return f"{_TIMES[b]}_shift", b
    if all(x in (Type.NUMBER, Type.BLANK) for x in (a, b)):
        return "sum", Type.NUMBER
    if all(x in (Type.TEXT, Type.REFERENCE, Type.BLANK) for x in (a, b)):
        return "join", Type.TEXT
    return None


def _minus(a: Type, b: Type) -> tuple[str, Type] | None:
    if a in _TIMES and b is Type.NUMBER:
        return f"{_TIMES[a]}_shift", a
    pair = common(a, b)
    if pair in _TIMES:
        return f"{_TIMES[pair]}_difference", Type.NUMBER
    return ("sum", Type.NUMBER) if pair in (Type.NUMBER, Type.BLANK) else None


def _join(op: str, name: str, type_: Type, left: Node, right: Node) -> Node:
    if name == "unknown":
        return Const(Type.UNKNOWN, None, left.start, right.end)
    if name.endswith("_shift") and right.type is type_:
        # Number + Date: the moment comes first.
        return Apply(type_, name, (right, left), left.start, right.end, 1 + max(left.depth, right.depth), "++")
    if isinstance(left, Apply) and left.op == name and name in LISTS:
        # (a + b) + c is a + b + c from the left, so a bracketed left side may be merged too.
        depth = max(left.depth, right.depth + 1)
        return Apply(
            type_, name, (*left.args, right), left.start, right.end, depth, left.signs + op if left.signs else ""
        )
    first = "*" if name == "product" else "+"
    signs = first + op if name in ("sum", "product") or name.endswith("_shift") else ""
    return Apply(type_, name, (left, right), left.start, right.end, 1 + max(left.depth, right.depth), signs)


def _mismatch(op: str, a: Type, b: Type) -> str:
    text = (
        f"'{op}' cannot join {WORDS[a]} and {WORDS[b]}."
        if op in "+-&*/^"
        else f"'{op}' cannot compare {WORDS[a]} and {WORDS[b]}."
    )
    if op in ("&&", "||"):
        text = f"'{op}' needs truth values on both sides, not {WORDS[a]} and {WORDS[b]}."
    if Type.TEXT in (a, b) and Type.NUMBER in (a, b):
        return f"{text} Use TEXT(…) or VALUE(…)."
    if {a, b} == {Type.DATE, Type.DATETIME}:
        return f"{text} Use DATEVALUE(…) or DATETIMEVALUE(…)."
    if Type.PICKLIST in (a, b):
        return f"{text} Use TEXT(…) or ISPICKVAL(…)."
    return text
