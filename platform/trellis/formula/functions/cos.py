"""COS"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "COS",
    ("number -> number",),
    "The cosine of an angle in radians.",
    "numbers",
    python=lambda x: through_float(math.cos, x),
    postgresql="trellis_fn.fl('cos', {0})",
    fails="null",
    examples=(("COS(0)", "1"),),
)
