"""SIN"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "SIN",
    ("number -> number",),
    "The sine of an angle in radians.",
    "numbers",
    python=lambda x: through_float(math.sin, x),
    postgresql="trellis_fn.fl('sin', {0})",
    fails="null",
    examples=(("SIN(0)", "0"),),
)
