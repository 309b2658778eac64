"""INCLUDESANY"""

from __future__ import annotations

from trellis.formula.filter_words import each_option, has_option, option_list
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "INCLUDESANY",
    ("multipicklist, text... -> boolean",),
    "Whether at least one of the options is chosen.",
    "filters",
    Blanks.OWN,
    check=option_list("INCLUDESANY"),
    count=(2, 255),
    python=lambda values, *options: any(has_option(values, o) for o in options),
    postgresql=each_option(" OR "),
    examples=(('INCLUDESANY(interests, "golf", "chess")', "true"),),
)
