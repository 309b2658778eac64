"""REVERSE"""

from trellis.formula.function import Function

FUNCTION = Function(
    "REVERSE",
    ("text -> text",),
    "The text from its end to its beginning.",
    "text",
    python=lambda text: text[::-1],
    postgresql="reverse({0})",
    examples=(('REVERSE("abc")', '"cba"'),),
)
