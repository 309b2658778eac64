"""NOT"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "NOT",
    ("boolean -> boolean",),
    "The opposite of the condition; a blank stays blank. Also `!`.",
    "logic",
    Blanks.OWN,
    lowers_to="not",
    examples=(("NOT(1 = 1)", "false"), ("NOT(null)", "null")),
)
