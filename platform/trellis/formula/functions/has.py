"""HAS"""

from __future__ import annotations

from trellis.formula.filter_words import ascii_lower
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "HAS",
    ("text|picklist, text -> boolean",),
    "Whether a text contains the other. Capitals of A to Z do not matter, as in the filters of lists.",
    "filters",
    Blanks.OWN,
    python=lambda text, part: text is not None and ascii_lower(part or "") in ascii_lower(text),
    postgresql='({0} IS NOT NULL AND strpos(lower({0} COLLATE "C"), lower(coalesce({1}, \'\') COLLATE "C")) > 0)',
    sqlite="({0} IS NOT NULL AND instr(lower({0}), lower(coalesce({1}, ''))) > 0)",
    examples=(
        ('HAS("Acme Ltd", "LTD")', "true"),
        ('HAS("", "")', "false"),
        ('HAS("a", "")', "true"),
    ),
)
