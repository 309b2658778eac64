"""ASIN"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "ASIN",
    ("number -> number",),
    "The angle with this sine; an error outside -1 to 1.",
    "numbers",
    python=lambda x: through_float(math.asin, x),
    postgresql="trellis_fn.fl('asin', {0})",
    fails="null",
    examples=(("ASIN(0)", "0"), ("ASIN(2)", "error")),
)
