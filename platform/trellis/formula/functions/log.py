"""LOG"""

import math

from trellis.formula.function import Function
from trellis.formula.numbers import through_float

FUNCTION = Function(
    "LOG",
    ("number -> number",),
    "The logarithm to base 10; an error for zero and negative numbers.",
    "numbers",
    python=lambda x: through_float(math.log10, x),
    postgresql="trellis_fn.fl('log', {0})",
    fails="null",
    examples=(("LOG(100)", "2"),),
)
