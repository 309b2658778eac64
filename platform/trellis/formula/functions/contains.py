"""CONTAINS"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function


def contains(text: str | None, part: str | None) -> bool | None:
    """Say whether the part occurs in the text; a blank part always does."""
    return True if part is None else None if text is None else part in text


FUNCTION = Function(
    "CONTAINS",
    ("text, text -> boolean",),
    "Whether the other text occurs in the text; true for a blank second text.",
    "text",
    Blanks.OWN,
    python=contains,
    postgresql="({1} IS NULL OR strpos({0}, {1}) > 0)",
    sqlite="({1} IS NULL OR instr({0}, {1}) > 0)",
    examples=(('CONTAINS("123456", "23")', "true"), ('CONTAINS("abc", "x")', "false")),
)
