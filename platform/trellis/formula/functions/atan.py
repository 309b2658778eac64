"""ATAN"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "ATAN",
    ("number -> number",),
    "The angle with this tangent.",
    "numbers",
    python=lambda x: through_float(math.atan, x),
    postgresql="trellis_fn.fl('atan', {0})",
    fails="null",
    examples=(("ATAN(0)", "0"),),
)
