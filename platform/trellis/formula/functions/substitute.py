"""SUBSTITUTE"""

from __future__ import annotations

from trellis.formula.function import Blanks, Function
from trellis.formula.values import MAX_LENGTH, fail


def substitute(text: str | None, old: str | None, new: str | None) -> str | None:
    """Replace all ``old``; a blank ``new`` deletes."""
    if text is None or old is None:
        return text
    new = new or ""
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_LENGTH:
        fail("evaluation", f"The text has more than {MAX_LENGTH} characters.")
    return text.replace(old, new)


FUNCTION = Function(
    "SUBSTITUTE",
    ("text, text, text -> text",),
    "The text with every occurrence of the second replaced by the third.",
    "text",
    Blanks.OWN,
    python=substitute,
    postgresql="trellis_fn.substitute({0}, {1}, {2})",
    fails="{0} IS NOT NULL AND trellis_fn.substitute({0}, {1}, {2}) IS NULL",
    examples=(('SUBSTITUTE("a-b-c", "-", "+")', '"a+b+c"'), ('SUBSTITUTE("a-b", "-", "")', '"ab"')),
)
