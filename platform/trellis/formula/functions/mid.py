"""MID"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import whole


def mid(text: str, start: Decimal, count: Decimal) -> str | None:
    """Return ``count`` characters from the 1-based ``start``; a start before the text means its beginning."""
    first, length = max(1, whole(start)), whole(count)
    return text[first - 1 : first - 1 + length] if length > 0 else None


FUNCTION = Function(
    "MID",
    ("text, number, number -> text",),
    "Characters from a place, which counts from 1.",
    "text",
    python=mid,
    postgresql="substr({0}, trellis_fn.clamp({1}, 1), trellis_fn.clamp({2}, 0))",
    examples=(('MID("123456", 2, 3)', '"234"'), ('MID("123456", -4, 2)', '"12"')),
)
