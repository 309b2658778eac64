"""RPAD"""

from __future__ import annotations

from trellis.formula.function import Function
from trellis.formula.padding import padding, padding_sql

FUNCTION = Function(
    "RPAD",
    ("text, number, text? -> text",),
    "The text filled up on the right to n characters, or cut to its first n.",
    "text",
    python=lambda text, n, fill=" ": padding(text, n, fill, left=False),
    postgresql=padding_sql("rpad"),
    fails="null",
    examples=(('RPAD("a", 3, "xy")', '"axy"'),),
)
