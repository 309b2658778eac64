"""ACOS"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "ACOS",
    ("number -> number",),
    "The angle with this cosine; an error outside -1 to 1.",
    "numbers",
    python=lambda x: through_float(math.acos, x),
    postgresql="trellis_fn.fl('acos', {0})",
    fails="null",
    examples=(("ACOS(1)", "0"), ("ACOS(2)", "error")),
)
