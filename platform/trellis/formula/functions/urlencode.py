"""URLENCODE"""

from urllib.parse import quote

from trellis.formula.function import Function
from trellis.formula.values import bounded

FUNCTION = Function(
    "URLENCODE",
    ("text -> text",),
    "The text as part of an address: other characters than letters, digits and `-._~` become `%xx`.",
    "text",
    python=lambda text: bounded(quote(text, safe="")),
    refused="URLENCODE has no exact SQL",
    examples=(('URLENCODE("a b&c")', '"a%20b%26c"'),),
)
