"""``decimal``: numbers of at most 40 digits with exponents up to 9,999, and the ways to round."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis_plugins.scripts.jail import limits
from trellis_plugins.scripts.jail.builtins import Facade
from trellis_plugins.scripts.jail.sizes import kind_name

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards

CONTEXT = decimal.Context(
    prec=limits.DECIMAL_DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-limits.DECIMAL_EXPONENT,
    Emax=limits.DECIMAL_EXPONENT,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)


def make_decimal(value: Any = "0") -> Decimal:
    """Return a decimal number; never one with more digits or a larger exponent than allowed."""
    if type(value) not in (int, float, str, bool, Decimal):
        raise TypeError(f"Decimal() takes a number or a text, not '{kind_name(value)}'")
    if type(value) is str and len(value) > 5_000:
        raise ValueError("Decimal() takes texts of at most 5,000 characters")
    return CONTEXT.create_decimal(value)


def names(guards: Guards) -> dict[str, Any]:
    """Return what the module offers."""
    rounding = {n: getattr(decimal, n) for n in dir(decimal) if n.startswith("ROUND_")}
    return {
        "Decimal": Facade("Decimal", Decimal, make_decimal),
        "InvalidOperation": decimal.InvalidOperation,
        "DivisionByZero": decimal.DivisionByZero,
        **rounding,
    }
