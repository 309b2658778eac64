"""BEGINS"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function


def begins(text: str | None, part: str | None) -> bool | None:
    """Say whether the text starts with the part; a blank part is always there."""
    return True if part is None else None if text is None else text.startswith(part)


FUNCTION = Function(
    "BEGINS",
    ("text, text -> boolean",),
    "Whether the text starts with the other; true for a blank second text.",
    "text",
    Blanks.OWN,
    python=begins,
    postgresql="({1} IS NULL OR starts_with({0}, {1}))",
    examples=(('BEGINS("123456", "12")', "true"), ('BEGINS("", "12")', "null")),
)
