"""LIKE"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function
from trellis.formula.patterns import like

FUNCTION = Function(
    "LIKE",
    ("text, text -> boolean",),
    "Whether the whole text matches: `%` is any run of characters, `_` one, `\\` takes the next as it is. "
    "Also `x LIKE y`.",
    "text",
    Blanks.OWN,
    python=lambda text, pattern: like(text or "", pattern or ""),
    postgresql="(coalesce({0}, '') LIKE trellis_fn.like_pattern(coalesce({1}, '')))",
    examples=(('LIKE("abcd", "a%")', "true"), ('"abcd" LIKE "a_"', "false")),
)
