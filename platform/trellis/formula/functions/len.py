"""LEN"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Blanks, Function


def length(text: str | None) -> Decimal:
    """Return the number of UTF-16 units: what other systems and databases of the trade count."""
    return Decimal(0) if text is None else Decimal(len(text) + sum(1 for c in text if c > "\uffff"))


FUNCTION = Function(
    "LEN",
    ("text -> number",),
    "The number of characters (UTF-16 units); 0 for a blank.",
    "text",
    Blanks.OWN,
    python=length,
    postgresql="trellis_fn.len16({0})",
    examples=(('LEN("größe")', "5"), ('LEN("")', "0")),
)
