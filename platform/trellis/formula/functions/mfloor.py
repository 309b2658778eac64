"""MFLOOR"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import nearly


def mfloor(x: Decimal) -> Decimal:
    """Round towards minus infinity, after rounding to 33 digits."""
    return nearly(x, up=False).to_integral_value(ROUND_FLOOR)


FUNCTION = Function(
    "MFLOOR",
    ("number -> number",),
    "The largest whole number that is not larger.",
    "numbers",
    python=mfloor,
    postgresql="floor(trellis_fn.rsig({0}, 33))",
    examples=(("MFLOOR(-1.3)", "-2"),),
)
