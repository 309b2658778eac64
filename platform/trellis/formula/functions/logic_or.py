"""OR"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "OR",
    ("boolean... -> boolean",),
    "Whether a condition is true; stops at the first that is. A blank counts as false. Also `||`.",
    "logic",
    Blanks.OWN,
    lowers_to="or",
    examples=(("OR(1 = 0, 3 < 37, null)", "true"),),
)
