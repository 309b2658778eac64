"""ISNUMBER"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function
from trellis.formula.functions.value import NUMBER

FUNCTION = Function(
    "ISNUMBER",
    ("text -> boolean",),
    "Whether VALUE can read the text; false for a blank.",
    "text",
    Blanks.OWN,
    python=lambda text: text is not None and NUMBER.match(text) is not None,
    postgresql="coalesce({0} ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{{1,4}})?$', false)",
    examples=(('ISNUMBER("12.5")', "true"), ('ISNUMBER(" 12")', "false")),
)
