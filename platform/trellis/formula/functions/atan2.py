"""ATAN2"""

from __future__ import annotations

import math
from decimal import Decimal

from trellis.formula.function import Blanks, Function
from trellis.formula.numbers import through_float
from trellis.formula.values import fail


def atan2(y: Decimal | None, x: Decimal | None) -> Decimal:
    """Return the angle of a point; both coordinates are needed."""
    if y is None or x is None:
        fail("null_argument", "ATAN2 needs two numbers.")
    return through_float(math.atan2, y, x)


FUNCTION = Function(
    "ATAN2",
    ("number, number -> number",),
    "The angle of the point (second, first) seen from the origin; a blank is an error.",
    "numbers",
    Blanks.OWN,
    python=atan2,
    postgresql="trellis_fn.fl2('atan2', {0}, {1})",
    fails="{0} IS NULL OR {1} IS NULL",
    examples=(("ATAN2(0, 1)", "0"), ("ATAN2(null, 1)", "error")),
)
