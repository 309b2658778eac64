"""ISPRESENT"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "ISPRESENT",
    ("any -> boolean",),
    "Whether there is a value: the opposite of ISBLANK, and for a truth value whether it is stored at all.",
    "filters",
    Blanks.OWN,
    raw=True,
    python=lambda value: value is not None and value != (),
    postgresql="({0} IS NOT NULL)",
    sqlite="({0} IS NOT NULL)",
    examples=(
        ('ISPRESENT("")', "false"),
        ("ISPRESENT(0)", "true"),
    ),
)
