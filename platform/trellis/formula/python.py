"""Back end 1: a typed tree becomes nested closures, compiled once. One call of a closure computes one node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import Any

from trellis.formula.function import Function
from trellis.formula.numbers import WIDE, ZERO, round_to
from trellis.formula.operators import OPERATORS
from trellis.formula.values import Closure, Context, ErrorValue, EvaluationError
from trellis_metadata.formula.functions import Blanks, Reads
from trellis_metadata.formula.typed import Apply, Call, Const, Field, FormulaField, Node, Typed, fold
from trellis_metadata.formula.types import Type

MAX_TEXT = 1300
Evaluate = Callable[[Context], Any]
_NO_ROW = Context({}, now=datetime(2000, 1, 1, tzinfo=UTC))


def compile(typed: Typed, *, scale: int | None = None, digits: int | None = None) -> Evaluate:
    """Return a function from a context to the value of the formula, or to an ``ErrorValue``; it never raises for a
    bad row.

    ``scale`` rounds a numeric result half-up to that many decimals; with ``digits`` a rounded result that has more
    digits in all is an error. Texts are cut to 1300 characters.
    """
    closure = closure_of(typed.root)
    finish = _finisher(typed.type, scale, digits)

    def evaluate(context: Context) -> Any:
        try:
            return finish(closure(context))
        except EvaluationError as error:
            return ErrorValue(error.code, error.message)
        except (DecimalException, OverflowError):
            return ErrorValue("arithmetic", "The numbers are too large.")

    return evaluate


def closure_of(root: Node) -> Closure:
    """Return the closure of a tree; it raises ``EvaluationError`` for a bad row."""
    return fold(root, _visit)[0]


def _finisher(type_: Type, scale: int | None, digits: int | None) -> Callable[[Any], Any]:
    if type_ is Type.NUMBER and scale is not None:
        if digits is not None:
            return _rounded(scale, Decimal(10) ** (digits - scale))
        return lambda value: value if value is None else round_to(value, scale)
    if type_ is Type.TEXT:
        return lambda value: value[:MAX_TEXT] or None if isinstance(value, str) else value
    return lambda value: value


def _rounded(scale: int, limit: Decimal) -> Callable[[Any], Any]:
    def rounded(value: Any) -> Any:
        if value is None:
            return None
        number = round_to(value, scale)
        if abs(number) >= limit:
            raise EvaluationError("arithmetic", "The number has more digits than the field holds.")
        return number

    return rounded


Built = tuple[Closure, bool]
"""A closure, and whether it gives the same value whatever the context is."""


def _visit(node: Node, parts: Sequence[Built]) -> Built:
    closures = [closure for closure, _ in parts]
    constant = all(is_constant for _, is_constant in parts)
    match node:
        case Const(value=value):
            return (lambda _: value), True
        case Field():
            return _field(node), False
        case FormulaField():
            return _formula_field(node, closures[0]), False
        case Apply(op=op):
            return _fold_constant(OPERATORS[op](node, closures), constant)
        case Call():
            return _fold_constant(_call(node, closures), constant and node.function.reads is Reads.ROW)


def _fold_constant(closure: Closure, constant: bool) -> Built:
    if constant:
        try:
            value = closure(_NO_ROW)
        except (EvaluationError, DecimalException, OverflowError):
            return closure, False
        return (lambda _: value), True
    return closure, False


def _field(node: Field) -> Closure:
    path = node.symbol.path
    if node.type is Type.NUMBER:
        return _number_field(path, node.symbol.percent, ZERO if node.zero else None)
    if node.type is Type.BOOLEAN:
        return lambda context: context.row[path] or False
    if node.type in (Type.TEXT, Type.PICKLIST, Type.REFERENCE):
        return lambda context: context.row[path] or None
    return lambda context: context.row[path]


def _number_field(path: str, percent: bool, blank: Decimal | None) -> Closure:
    def number(context: Context) -> Any:
        value = context.row[path]
        if value is None:
            return blank
        return WIDE.scaleb(value, -2) if percent else value

    return number


def _formula_field(node: FormulaField, body: Closure) -> Closure:
    key = id(node.body)
    blank: Any = ZERO if node.zero else False if node.type is Type.BOOLEAN else None

    def formula_field(context: Context) -> Any:
        # Several fields may use this one; it is computed once per row, errors included.
        memo = context.memo
        if key not in memo:
            try:
                memo[key] = body(context)
            except EvaluationError as error:
                memo[key] = error
        value = memo[key]
        if isinstance(value, EvaluationError):
            raise value
        return blank if value is None else value

    return formula_field


def _call(node: Call, closures: list[Closure]) -> Closure:
    function = node.function
    assert isinstance(function, Function)
    if function.raw:
        closures = [_stored(a) if _is_truth_field(a) else c for a, c in zip(node.args, closures, strict=True)]
    if function.build is not None:
        return function.build(node.args, closures)
    if function.python is None:
        return _refuse(function.unavailable or f"{function.name} cannot be evaluated here.")
    text = node.type is Type.TEXT
    closure = _strict(function, closures) if function.blanks is Blanks.PASS else _open(function, closures)
    return (lambda context: closure(context) or None) if text else closure


def _is_truth_field(node: Node) -> bool:
    return isinstance(node, Field) and node.type is Type.BOOLEAN


def _stored(node: Node) -> Closure:
    assert isinstance(node, Field)
    path = node.symbol.path
    return lambda context: context.row[path]


def _refuse(message: str) -> Closure:
    def refuse(_: Context) -> Any:
        raise EvaluationError("evaluation", message)

    return refuse


def _strict(function: Function, closures: list[Closure]) -> Closure:
    body: Callable[..., Any] = function.python  # type: ignore[assignment]
    if function.context:
        return lambda context: _apply_strict(lambda *v: body(context, *v), [c(context) for c in closures])
    if len(closures) == 1:
        first = closures[0]

        def unary(context: Context) -> Any:
            value = first(context)
            return None if value is None else body(value)

        return unary

    def strict(context: Context) -> Any:
        values = []
        for closure in closures:
            values.append(closure(context))
        return None if None in values else body(*values)

    return strict


def _apply_strict(body: Callable[..., Any], values: list[Any]) -> Any:
    return None if any(v is None for v in values) else body(*values)


def _open(function: Function, closures: list[Closure]) -> Closure:
    body: Callable[..., Any] = function.python  # type: ignore[assignment]
    if function.context:
        return lambda context: body(context, *[c(context) for c in closures])
    return lambda context: body(*[c(context) for c in closures])
