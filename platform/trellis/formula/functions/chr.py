"""CHR"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import whole


def character(n: Decimal) -> str | None:
    """Return the character of a code point; blank for 0 and for numbers that name none."""
    code = whole(n)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF else None


FUNCTION = Function(
    "CHR",
    ("number -> text",),
    "The character with this Unicode number.",
    "text",
    python=character,
    postgresql="(CASE WHEN trellis_fn.i({0}) BETWEEN 1 AND 55295 OR trellis_fn.i({0}) BETWEEN 57344 AND 1114111 "
    "THEN chr(trellis_fn.i({0})) END)",
    examples=(("CHR(65)", '"A"'), ("CHR(0)", "null")),
)
