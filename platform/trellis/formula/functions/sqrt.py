"""SQRT"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "SQRT",
    ("number -> number",),
    "The square root; an error for negative numbers.",
    "numbers",
    python=lambda x: through_float(math.sqrt, x),
    postgresql="trellis_fn.fl('sqrt', {0})",
    fails="null",
    examples=(("SQRT(16)", "4"), ("SQRT(-1)", "error")),
)
