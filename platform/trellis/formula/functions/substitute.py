"""SUBSTITUTE"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function


def substitute(text: str | None, old: str | None, new: str | None) -> str | None:
    """Replace all ``old``; a blank ``new`` deletes."""
    return None if text is None else text if old is None else text.replace(old, new or "")


FUNCTION = Function(
    "SUBSTITUTE",
    ("text, text, text -> text",),
    "The text with every occurrence of the second replaced by the third.",
    "text",
    Blanks.OWN,
    python=substitute,
    postgresql="replace({0}, coalesce({1}, ''), coalesce({2}, ''))",
    examples=(('SUBSTITUTE("a-b-c", "-", "+")', '"a+b+c"'), ('SUBSTITUTE("a-b", "-", "")', '"ab"')),
)
