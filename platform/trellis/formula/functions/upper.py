"""UPPER"""

from __future__ import annotations

from trellis.formula.casing import case_sql, upper
from trellis.formula.function import Function

FUNCTION = Function(
    "UPPER",
    ("text, text? -> text",),
    "The text in capital letters, by the rules of Unicode or of a language (`tr`).",
    "text",
    python=upper,
    postgresql=case_sql("upper"),
    examples=(('UPPER("große")', '"GROSSE"'), ('UPPER("idempotent", "tr")', '"İDEMPOTENT"')),
)
