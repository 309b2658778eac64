"""From tree to typed tree.

Names get meanings, operators and functions are chosen by type, everything wrong is collected.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from trellis_metadata.formula import tree as t
from trellis_metadata.formula.errors import FormulaError, Problem
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.operators import apply_chain, apply_unary
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.precedence import MAX_DEPTH
from trellis_metadata.formula.scope import Scope, Symbol
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, Typed
from trellis_metadata.formula.types import WORDS, Type, fits

MAX_FORMULAS = 24
"""Longest chain of formula fields that use each other."""
CONSTANTS = {"$system.origindatetime": Const(Type.DATETIME, datetime(1900, 1, 1, tzinfo=UTC), 0, 0)}


def check(
    tree: t.Tree,
    scope: Scope,
    *,
    text: str = "",
    returns: Type | None = None,
    blanks: str = "zero",
    name: str | None = None,
) -> Typed:
    """Return the typed form of ``tree``.

    ``returns`` is the type that the place of the formula asks for; ``name`` is the field that the formula belongs to,
    so that a cycle through it is found. Raises ``FormulaError`` with every problem and its place in ``text``.
    """
    active = (name.lower(),) if name else ()
    return _Checker(scope, text, blanks, active, {}).run(tree, returns)


class _Checker:
    """One pass over one formula. Nested formula fields get a checker of their own and share ``known``."""

    def __init__(self, scope: Scope, text: str, blanks: str, active: tuple[str, ...], known: dict[str, Node]) -> None:
        self.scope, self.text, self.blanks, self.active, self.known = scope, text, blanks, active, known
        self.problems: list[Problem] = []

    def run(self, tree: t.Tree, returns: Type | None) -> Typed:
        root = self._type(tree)
        if root.depth > MAX_DEPTH:
            self.complain(
                tree,
                "too_deep",
                f"Together with the formula fields it uses, the formula is nested more than {MAX_DEPTH} levels deep.",
            )
        if not self.problems:
            self._result(tree, root, returns)
        if self.problems:
            raise FormulaError(self.text, tuple(self.problems))
        return Typed(self.text, root, returns if root.type is Type.BLANK and returns else root.type, self.blanks)

    def complain(self, place: t.Tree | Node, code: str, message: str) -> None:
        self.problems.append(Problem(code, message, place.start, place.end))

    def _result(self, tree: t.Tree, root: Node, returns: Type | None) -> None:
        if isinstance(root, Field) and root.symbol.many:
            self.complain(tree, "many", _no_value(root.symbol))
        elif returns and not fits(root.type, returns):
            hint = " Use TEXT(…)." if returns is Type.TEXT and root.type is not Type.BOOLEAN else ""
            self.complain(
                tree, "result_type", f"The formula gives {WORDS[root.type]}, but {WORDS[returns]} is wanted here.{hint}"
            )

    def _type(self, root: t.Tree) -> Node:
        """Type the tree from its leaves, without recursion."""
        done: dict[int, Node] = {}
        waiting: list[tuple[t.Tree, tuple[t.Tree, ...]]] = [(root, ())]
        while waiting:
            node, parts = waiting.pop()
            if parts or not (parts := t.children(node)):
                done[id(node)] = self._visit(node, [done[id(p)] for p in parts])
            else:
                waiting.append((node, parts))
                waiting.extend((p, ()) for p in parts[::-1])
        return done[id(root)]

    def _visit(self, node: t.Tree, parts: Sequence[Node]) -> Node:
        match node:
            case t.Literal():
                return literal(node)
            case t.Name():
                return self._name(node)
            case t.Unary():
                return apply_unary(node, self._single(parts)[0], self)
            case t.Chain():
                return apply_chain(node, self._single(parts), self)
            case t.Call():
                return self._call(node, parts)

    def _single(self, parts: Sequence[Node]) -> Sequence[Node]:
        for part in parts:
            if isinstance(part, Field) and part.symbol.many:
                self.complain(part, "many", _no_value(part.symbol))
        return parts

    def _name(self, node: t.Name) -> Node:
        if node.text.lower() in CONSTANTS:
            known = CONSTANTS[node.text.lower()]
            return Const(known.type, known.value, node.start, node.end)
        symbol = self.scope.resolve(node.text)
        if symbol is None:
            self.complain(
                node,
                "unknown_name",
                f"There is no field '{node.text}' here.{suggest(node.text, self.scope.names(node.text))}",
            )
            return Const(Type.UNKNOWN, None, node.start, node.end)
        zero = symbol.type is Type.NUMBER and self.blanks == "zero"
        if symbol.formula is None:
            return Field(symbol.type, symbol, zero, node.start, node.end)
        return self._formula_field(node, symbol, zero)

    def _formula_field(self, node: t.Name, symbol: Symbol, zero: bool) -> Node:
        path = symbol.path.lower()
        source = symbol.formula
        assert source is not None
        problem = ""
        if path in self.active:
            cycle = " → ".join([*self.active[self.active.index(path) :], path])
            problem = f"Formula fields use each other in a circle: {cycle}."
        elif len(self.active) >= MAX_FORMULAS:
            problem = (
                f"More than {MAX_FORMULAS} formula fields use each other in a row, '{symbol.path}' is one too many."
            )
        elif path not in self.known:
            inner = _Checker(source.scope, source.text, source.blanks, (*self.active, path), self.known)
            try:
                self.known[path] = inner.run(parse(source.text), None).root
            except FormulaError as error:
                first = error.problems[0]
                nested = first.code == "cycle"
                problem = (
                    first.message
                    if nested
                    else f"The formula field '{symbol.path}' has a problem of its own: {first.message}"
                )
        if problem:
            self.complain(node, "cycle" if "circle" in problem else "nested", problem)
            return Const(Type.UNKNOWN, None, node.start, node.end)
        body = self.known[path]
        type_ = body.type if symbol.type in (Type.UNKNOWN, Type.BLANK) else symbol.type
        return FormulaField(type_, symbol, zero, body, node.start, node.end, body.depth + 1)

    def _call(self, node: t.Call, parts: Sequence[Node]) -> Node:
        function = self.scope.functions.get(node.name)
        if function is None:
            self.complain(
                t.Name(node.name, node.start, node.start + len(node.name)),
                "unknown_function",
                f"There is no function '{node.name}'.{suggest(node.name, self.scope.functions)}",
            )
            return Const(Type.UNKNOWN, None, node.start, node.end)
        wrong = function.wrong_count(len(parts))
        if wrong:
            self.complain(node, "argument_count", wrong)
            return Const(Type.UNKNOWN, None, node.start, node.end)
        found = function.infer(parts)
        if isinstance(found, Complaint):
            place = node if found.argument is None else parts[found.argument]
            if not any(p.type is Type.UNKNOWN for p in parts):
                self.complain(place, found.code, found.message)
            return Const(Type.UNKNOWN, None, node.start, node.end)
        if function.unavailable:
            self.complain(node, "unavailable", function.unavailable)
        first = parts[0] if parts else None
        if function.children and isinstance(first, Field) and first.symbol.many:
            return self._rollup(node, found, first)
        if not function.foreign:
            self._single(parts)
        depth = 1 + max((p.depth for p in parts), default=0)
        if function.lowers_to is not None:
            return Apply(found, function.lowers_to, tuple(parts), node.start, node.end, depth)
        return Call(found, function, tuple(parts), node.start, node.end, depth)

    def _rollup(self, node: t.Call, type_: Type, children: Field) -> Node | Const:
        """Return the field that a roll-up keeps for ``SUM(lines.amount)``.

        Its path is the name under which the scope keeps it, or the call's text where the scope keeps none.
        """
        symbol = children.symbol
        extra = (
            f", {node.arguments[1].value!r}"
            if len(node.arguments) > 1 and isinstance(node.arguments[1], t.Literal)
            else ""
        )
        rollup = Symbol(
            f"{node.name}({symbol.path}{extra})",
            type_,
            symbol.percent and type_ is Type.NUMBER and node.name != "COUNT",
            relations=symbol.relations,
            rollup=(node.name, symbol.path),
        )
        keep = getattr(self.scope, "kept_rollup", None)
        if keep is not None:
            kept = keep(node, symbol)
            if not isinstance(kept, str):
                self.complain(node, "rollup", kept.message)
                return Const(Type.UNKNOWN, None, node.start, node.end)
            rollup = replace(rollup, path=".".join((*symbol.relations, kept)))
        return Field(type_, rollup, type_ is Type.NUMBER and self.blanks == "zero", node.start, node.end)


def _no_value(symbol: Symbol) -> str:
    """Return why a symbol has no single value where it stands."""
    if symbol.is_global:
        return f"'{symbol.path}' is a field of another object: use it in VLOOKUP."
    return f"'{symbol.path}' is a list of child records: use it in SUM, COUNT, MIN, MAX, AVG or JOIN."


def literal(node: t.Literal) -> Const:
    """Return the constant of a literal; an empty text is a blank of type text."""
    value = node.value
    if value is None:
        return Const(Type.BLANK, None, node.start, node.end)
    if isinstance(value, bool):
        return Const(Type.BOOLEAN, value, node.start, node.end)
    if isinstance(value, Decimal):
        return Const(Type.NUMBER, value, node.start, node.end)
    return Const(Type.TEXT, value or None, node.start, node.end)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean …?" for the closest known name, letter case aside, or an empty text."""
    by_fold = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_fold, n=1, cutoff=0.6)
    return f" Did you mean '{by_fold[close[0]]}'?" if close else ""
