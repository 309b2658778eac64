"""LOWER"""

from trellis.formula.casing import case_sql, lower
from trellis.formula.function import Function

FUNCTION = Function(
    "LOWER",
    ("text, text? -> text",),
    "The text in small letters, by the rules of Unicode or of a language (`tr`).",
    "text",
    python=lower,
    postgresql=case_sql("lower"),
    examples=(('LOWER("ABC")', '"abc"'), ('LOWER("IDEMPOTENT", "tr_TR")', '"ıdempotent"')),
)
