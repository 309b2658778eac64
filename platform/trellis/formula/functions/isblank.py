"""ISBLANK"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "ISBLANK",
    ("any -> boolean",),
    "Whether there is no value; an empty text is none.",
    "logic",
    Blanks.OWN,
    raw=True,
    python=lambda value: value is None or value == (),
    postgresql="({0} IS NULL)",
    sqlite="({0} IS NULL)",
    examples=(('ISBLANK("")', "true"), ("ISBLANK(0)", "false")),
)
