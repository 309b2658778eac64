"""MCEILING"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import nearly


def mceiling(x: Decimal) -> Decimal:
    """Round towards plus infinity, after rounding to 33 digits."""
    return nearly(x, up=True).to_integral_value(ROUND_CEILING)


FUNCTION = Function(
    "MCEILING",
    ("number -> number",),
    "The smallest whole number that is not smaller.",
    "numbers",
    python=mceiling,
    postgresql="ceil(trellis_fn.rsig_down({0}, 33))",
    examples=(("MCEILING(-1.3)", "-1"),),
)
