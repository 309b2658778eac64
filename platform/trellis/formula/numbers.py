"""Exact decimals: 39 significant digits, half away from zero, at every step.

Functions that have no exact decimal result go through binary floating point and come back by the shortest decimal text
that names the same double.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation, Overflow
from functools import lru_cache

from trellis.formula.values import fail

DIGITS = 39
_LIMIT = 130_000
EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_UP, Emin=-_LIMIT, Emax=_LIMIT, traps=[InvalidOperation, Overflow])
WIDE = Context(
    prec=300_000, rounding=ROUND_HALF_UP, Emin=-_LIMIT * 4, Emax=_LIMIT * 4, traps=[InvalidOperation, Overflow]
)
POWER = Context(prec=18, rounding=ROUND_HALF_UP, Emin=-_LIMIT, Emax=_LIMIT, traps=[InvalidOperation, Overflow])
_POWER_WORK = Context(prec=60, rounding=ROUND_HALF_UP, Emin=-_LIMIT, Emax=_LIMIT, traps=[InvalidOperation, Overflow])
_NEARLY = {
    up: Context(
        prec=33, rounding=ROUND_HALF_DOWN if up else ROUND_HALF_UP, Emin=-_LIMIT, Emax=_LIMIT, traps=[InvalidOperation]
    )
    for up in (True, False)
}
ZERO = Decimal(0)
ONE = Decimal(1)


def size_of(x: Decimal) -> int:
    """Return the exponent of the first digit; 0 for zero, however it is written (``0E+20`` is a zero too)."""
    return x.adjusted() if x else 0


def divide(a: Decimal, b: Decimal) -> Decimal:
    """Return ``a / b`` to 39 digits; a zero divisor is an error."""
    if not b:
        fail("arithmetic", "Division by zero.")
    return EXACT.divide(a, b)


def power(x: Decimal, n: Decimal) -> Decimal:
    """Return ``x`` to the whole power ``n`` with 18 digits; tiny results are 0 and results above 1e64 an error."""
    if n != n.to_integral_value():
        fail("arithmetic", "The exponent of ^ must be a whole number.")
    if not n:
        return ONE
    if not x:
        return ZERO if n > 0 else fail("arithmetic", "Zero has no negative power.")
    if x.copy_abs() == 1:
        return ONE if x > 0 or int(n) % 2 == 0 else -ONE
    size = _POWER_WORK.multiply(_POWER_WORK.log10(x.copy_abs()), n)
    if size > 64 or (size_of(n) >= 12 and size > -39):
        fail("arithmetic", "The result of ^ is too large.")
    if size < -45 or size_of(n) >= 12:
        return ZERO
    positive = _POWER_WORK.power(x, abs(int(n)))
    result = POWER.plus(positive if n > 0 else _POWER_WORK.divide(ONE, positive))
    return ZERO if result.copy_abs() < Decimal("1e-39") else result


def through_float(function: Callable[..., float], *arguments: Decimal) -> Decimal:
    """Return ``function`` of doubles as a decimal; no number or infinity is an error."""
    try:
        result = function(*map(float, arguments))
    except (ValueError, OverflowError):
        fail("not_a_number", "The result is not a number.")
    return from_float(result)


def from_float(value: float) -> Decimal:
    """Return the shortest decimal that names the same double."""
    if not math.isfinite(value):
        fail("not_a_number", "The result is not a number.")
    return Decimal(repr(value))


def nearly(x: Decimal, *, up: bool) -> Decimal:
    """Round to 33 digits first, so that FLOOR(6/11*11) is 6."""
    return _NEARLY[up].plus(x)


def whole(x: Decimal) -> int:
    """Cut the fraction off. Numbers beyond any sensible count are limited, so that they stay cheap."""
    if size_of(x) >= 18:
        return 10**18 if x > 0 else -(10**18)
    return int(x)


def round_to(x: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round to ``places`` decimals, negative places to tens and hundreds.

    Far more places than digits change nothing.
    """
    if not 0 <= places <= _COMMON:
        exponent = x.as_tuple().exponent
        if isinstance(exponent, int) and -exponent <= places:
            return x
        if places < -(size_of(x) + 2):
            return ZERO
    return x.quantize(_unit(places), rounding, WIDE)


_COMMON = 60


@lru_cache(maxsize=256)
def _unit(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def plain(x: Decimal) -> str:
    """Write a number with plain digits: no exponent, no trailing zeros, no minus before zero."""
    if not x:
        return "0"
    text = f"{x:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
