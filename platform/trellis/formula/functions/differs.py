"""DIFFERS"""

from __future__ import annotations

from trellis.formula.filter_words import same_kind
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "DIFFERS",
    ("any, any -> boolean",),
    "Whether there is a value and it is another one; a blank is not another value.",
    "filters",
    Blanks.OWN,
    check=same_kind("DIFFERS"),
    count=(2, 2),
    raw=True,
    python=lambda value, other: value is not None and other is not None and value != other,
    postgresql="coalesce({0} <> {1}, false)",
    examples=(
        ('DIFFERS("a", "b")', "true"),
        ('DIFFERS("", "b")', "false"),
        ("DIFFERS(1, 1.0)", "false"),
    ),
)
