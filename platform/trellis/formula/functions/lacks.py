"""LACKS"""

from __future__ import annotations

from trellis.formula.filter_words import ascii_lower
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "LACKS",
    ("text|picklist, text -> boolean",),
    "Whether there is a text and it does not contain the other. Capitals of A to Z do not matter, as in the filters of lists.",
    "filters",
    Blanks.OWN,
    python=lambda text, part: text is not None and ascii_lower(part or "") not in ascii_lower(text),
    postgresql='({0} IS NOT NULL AND strpos(lower({0} COLLATE "C"), lower(coalesce({1}, \'\') COLLATE "C")) = 0)',
    sqlite="({0} IS NOT NULL AND instr(lower({0}), lower(coalesce({1}, ''))) = 0)",
    examples=(
        ('LACKS("Acme Ltd", "inc")', "true"),
        ('LACKS("", "a")', "false"),
    ),
)
