"""ASCII"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "ASCII",
    ("text -> number",),
    "The Unicode number of the first character.",
    "text",
    python=lambda text: Decimal(ord(text[0])),
    postgresql="ascii({0})::numeric",
    examples=(('ASCII("A")', "65"),),
)
