"""LN"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "LN",
    ("number -> number",),
    "The natural logarithm; an error for zero and negative numbers.",
    "numbers",
    python=lambda x: through_float(math.log, x),
    postgresql="trellis_fn.fl('ln', {0})",
    fails="null",
    examples=(("LN(1)", "0"), ("LN(0)", "error")),
)
