"""INCLUDESALL"""

from __future__ import annotations

from trellis.formula.filter_words import each_option, has_option, option_list
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "INCLUDESALL",
    ("multipicklist, text... -> boolean",),
    "Whether all of the options are chosen.",
    "filters",
    Blanks.OWN,
    check=option_list("INCLUDESALL"),
    count=(2, 255),
    python=lambda values, *options: all(has_option(values, o) for o in options),
    postgresql=each_option(" AND "),
    examples=(('INCLUDESALL(interests, "golf", "chess")', "false"),),
)
