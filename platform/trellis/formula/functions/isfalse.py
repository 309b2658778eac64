"""ISFALSE"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "ISFALSE",
    ("boolean -> boolean",),
    "Whether a truth value is false; a blank is not.",
    "filters",
    Blanks.OWN,
    raw=True,
    python=lambda value: value is False,
    postgresql="({0} IS FALSE)",
    sqlite="({0} IS 0)",
    examples=(
        ("ISFALSE(1 = 2)", "true"),
        ("ISFALSE(null)", "false"),
    ),
)
