"""STARTS"""

from __future__ import annotations

from trellis.formula.filter_words import ascii_lower
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "STARTS",
    ("text|picklist, text -> boolean",),
    "Whether a text begins with the other. Capitals of A to Z do not matter, as in the filters of lists.",
    "filters",
    Blanks.OWN,
    python=lambda text, part: text is not None and ascii_lower(text).startswith(ascii_lower(part or "")),
    postgresql='({0} IS NOT NULL AND starts_with(lower({0} COLLATE "C"), lower(coalesce({1}, \'\') COLLATE "C")))',
    sqlite="({0} IS NOT NULL AND instr(lower({0}), lower(coalesce({1}, ''))) = 1)",
    examples=(
        ('STARTS("Acme", "ac")', "true"),
        ('STARTS("", "a")', "false"),
    ),
)
