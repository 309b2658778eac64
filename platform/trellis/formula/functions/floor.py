"""FLOOR"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import nearly


def floor(x: Decimal) -> Decimal:
    """Cut the fraction off, after rounding to 33 digits."""
    return nearly(x, up=False).to_integral_value(ROUND_DOWN)


FUNCTION = Function(
    "FLOOR",
    ("number -> number",),
    "The whole number next to the number in the direction of zero.",
    "numbers",
    python=floor,
    postgresql="trunc(trellis_fn.rsig({0}, 33))",
    examples=(("FLOOR(-1.7)", "-1"), ("FLOOR(6/11*11)", "6")),
)
