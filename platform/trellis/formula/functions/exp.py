"""EXP"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "EXP",
    ("number -> number",),
    "e to the power of the number.",
    "numbers",
    python=lambda x: through_float(math.exp, x),
    postgresql="trellis_fn.fl('exp', {0})",
    fails="null",
    examples=(("EXP(0)", "1"),),
)
