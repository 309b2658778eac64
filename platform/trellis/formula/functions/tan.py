"""TAN"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "TAN",
    ("number -> number",),
    "The tangent of an angle in radians.",
    "numbers",
    python=lambda x: through_float(math.tan, x),
    postgresql="trellis_fn.fl('tan', {0})",
    fails="null",
    examples=(("TAN(0)", "0"),),
)
