"""ENDS"""

from __future__ import annotations

from trellis.formula.filter_words import ascii_lower
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "ENDS",
    ("text|picklist, text -> boolean",),
    "Whether a text ends with the other. Capitals of A to Z do not matter, as in the filters of lists.",
    "filters",
    Blanks.OWN,
    python=lambda text, part: text is not None and ascii_lower(text).endswith(ascii_lower(part or "")),
    postgresql='({0} IS NOT NULL AND right(lower({0} COLLATE "C"), length(lower(coalesce({1}, \'\') COLLATE "C"))) = lower(coalesce({1}, \'\') COLLATE "C"))',
    examples=(
        ('ENDS("Acme Ltd", "LTD")', "true"),
        ('ENDS("a", "ba")', "false"),
    ),
)
