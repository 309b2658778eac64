"""AND"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "AND",
    ("boolean... -> boolean",),
    "Whether all conditions are true; stops at the first that is not. A blank counts as false. Also `&&`.",
    "logic",
    Blanks.OWN,
    lowers_to="and",
    examples=(("AND(1 = 1, 1 = 0)", "false"), ("AND(1 <> 1, 1/0 = 0)", "false")),
)
