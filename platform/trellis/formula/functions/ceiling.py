"""CEILING"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import nearly


def ceiling(x: Decimal) -> Decimal:
    """Round away from zero, after rounding to 33 digits."""
    return nearly(x, up=True).to_integral_value(ROUND_UP)


FUNCTION = Function(
    "CEILING",
    ("number -> number",),
    "The whole number next to the number in the direction away from zero.",
    "numbers",
    python=ceiling,
    postgresql="trellis_fn.ceil0(trellis_fn.rsig_down({0}, 33))",
    examples=(("CEILING(-1.3)", "-2"), ("CEILING(6/11*11)", "6")),
)
