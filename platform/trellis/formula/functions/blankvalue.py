"""BLANKVALUE"""

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "BLANKVALUE",
    ("T, T -> T",),
    "The second value where the first is blank.",
    "logic",
    Blanks.OWN,
    python=lambda value, other: other if value is None else value,
    postgresql="coalesce({0}, {1})",
    sqlite="coalesce({0}, {1})",
    examples=(('BLANKVALUE("", "none")', '"none"'), ("BLANKVALUE(1, 2)", "1")),
)
