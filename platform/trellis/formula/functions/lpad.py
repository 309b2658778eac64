"""LPAD"""

from __future__ import annotations

from trellis.formula.function import Function
from trellis.formula.padding import padding, padding_sql

FUNCTION = Function(
    "LPAD",
    ("text, number, text? -> text",),
    "The text filled up on the left to n characters, or cut to its first n.",
    "text",
    python=lambda text, n, fill=" ": padding(text, n, fill, left=True),
    postgresql=padding_sql("lpad"),
    fails="null",
    examples=(('LPAD("7", 3, "0")', '"007"'), ('LPAD("string", 1)', '"s"')),
)
