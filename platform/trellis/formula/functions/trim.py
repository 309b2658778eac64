"""TRIM"""

from trellis.formula.function import Function

FUNCTION = Function(
    "TRIM",
    ("text -> text",),
    "The text without spaces at both ends.",
    "text",
    python=lambda text: text.strip(" "),
    postgresql="btrim({0}, ' ')",
    examples=(('TRIM("  a b ")', '"a b"'),),
)
