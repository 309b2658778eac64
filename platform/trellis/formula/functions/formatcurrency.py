"""FORMATCURRENCY"""

from trellis.formula.formats import format_currency
from trellis.formula.function import Blanks, Function

FUNCTION = Function(
    "FORMATCURRENCY",
    ("text, number -> text",),
    "The amount with its currency's code and digits.",
    "text",
    Blanks.OWN,
    python=format_currency,
    refused="FORMATCURRENCY has no SQL",
    examples=(('FORMATCURRENCY("USD", -1234.5)', '"USD -1,234.50"'),),
)
