"""MOD"""

from __future__ import annotations

from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.numbers import EXACT, WIDE, size_of
from trellis.formula.values import fail


def mod(x: Decimal, y: Decimal) -> Decimal:
    """Return the remainder with the sign of the dividend."""
    if not y:
        fail("arithmetic", "MOD by zero.")
    if size_of(x) - size_of(y) > 100_000:
        fail("arithmetic", "The numbers are too far apart for MOD.")
    return EXACT.plus(WIDE.remainder(x, y))


FUNCTION = Function(
    "MOD",
    ("number, number -> number",),
    "The remainder of a division; it has the sign of the dividend.",
    "numbers",
    python=mod,
    postgresql="trellis_fn.rsig(mod({0}, NULLIF({1}, 0)), 39)",
    fails="null",
    examples=(("MOD(-101, 10)", "-1"), ("MOD(100.5, -10)", "0.5"), ("MOD(1, 0)", "error")),
)
