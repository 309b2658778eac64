"""What the operators compute.

For each operation of the typed tree a builder from a node and its closures to a closure.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from trellis.formula import moments
from trellis.formula.numbers import EXACT, divide, power
from trellis.formula.values import Closure, Context, bounded
from trellis_metadata.formula.typed import Apply

Build = Callable[[Apply, Sequence[Closure]], Closure]


def _chain(steps: Callable[[str], Callable[[Any, Any], Any]]) -> Build:
    """Build ``((a op b) op c) …``; a blank anywhere gives a blank, but every operand is evaluated."""

    def build(node: Apply, closures: Sequence[Closure]) -> Closure:
        first, rest = closures[0], [(steps(s), c) for s, c in zip(node.signs[1:], closures[1:], strict=True)]
        if len(rest) == 1:
            step, second = rest[0]
            return _binary(step, first, second)

        def chain(context: Context) -> Any:
            value = first(context)
            for step, closure in rest:
                operand = closure(context)
                value = None if value is None or operand is None else step(value, operand)
            return value

        return chain

    return build


def _binary(step: Callable[[Any, Any], Any], first: Closure, second: Closure) -> Closure:
    def binary(context: Context) -> Any:
        a, b = first(context), second(context)
        return None if a is None or b is None else step(a, b)

    return binary


def _pair(step: Callable[[Any, Any], Any]) -> Build:
    return lambda node, closures: _binary(step, closures[0], closures[1])


def _join(node: Apply, closures: Sequence[Closure]) -> Closure:
    def join(context: Context) -> Any:
        parts = []
        for closure in closures:
            parts.append(closure(context) or "")
        text = "".join(parts)
        return bounded(text) if text else None

    return join


def _text_equal(node: Apply, closures: Sequence[Closure]) -> Closure:
    first, second = closures
    return lambda context: (first(context) or None) == (second(context) or None)


def _text_unequal(node: Apply, closures: Sequence[Closure]) -> Closure:
    first, second = closures
    return lambda context: (first(context) or None) != (second(context) or None)


def _and(node: Apply, closures: Sequence[Closure]) -> Closure:
    def conjunction(context: Context) -> bool:
        return all(closure(context) for closure in closures)

    return conjunction


def _or(node: Apply, closures: Sequence[Closure]) -> Closure:
    def disjunction(context: Context) -> bool:
        return any(closure(context) for closure in closures)

    return disjunction


def _single(step: Callable[[Any], Any]) -> Build:
    def build(node: Apply, closures: Sequence[Closure]) -> Closure:
        operand = closures[0]

        def single(context: Context) -> Any:
            value = operand(context)
            return None if value is None else step(value)

        return single

    return build


def _shift(shift: Callable[[Any, Decimal], Any]) -> Callable[[str], Callable[[Any, Any], Any]]:
    return lambda sign: shift if sign == "+" else lambda moment, n: shift(moment, n.copy_negate())


def _date_difference(a: date, b: date) -> Decimal:
    return Decimal((a - b).days)


def _datetime_difference(a: datetime, b: datetime) -> Decimal:
    return EXACT.divide(Decimal(moments.micros(a - b)), Decimal(86_400_000_000))


def _time_difference(a: time, b: time) -> Decimal:
    return Decimal((moments.millis(a) - moments.millis(b)) % moments.DAY_MS)


OPERATORS: dict[str, Build] = {
    "sum": _chain(lambda sign: EXACT.add if sign == "+" else EXACT.subtract),
    "product": _chain(lambda sign: EXACT.multiply if sign == "*" else divide),
    "power": _pair(power),
    "negate": _single(EXACT.minus),
    "join": _join,
    "date_shift": _chain(_shift(moments.shift_date)),
    "datetime_shift": _chain(_shift(moments.shift_datetime)),
    "time_shift": _chain(_shift(moments.shift_time)),
    "date_difference": _pair(_date_difference),
    "datetime_difference": _pair(_datetime_difference),
    "time_difference": _pair(_time_difference),
    "equal": _pair(operator.eq),
    "unequal": _pair(operator.ne),
    "text_equal": _text_equal,
    "text_unequal": _text_unequal,
    "less": _pair(operator.lt),
    "less_equal": _pair(operator.le),
    "greater": _pair(operator.gt),
    "greater_equal": _pair(operator.ge),
    "and": _and,
    "or": _or,
    "not": _single(operator.not_),
}
