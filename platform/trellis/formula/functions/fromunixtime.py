"""FROMUNIXTIME"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.moments import EPOCH
from trellis.formula.numbers import whole
from trellis.formula.values import fail


def fromunixtime(n: Decimal) -> datetime:
    """Return the moment that many whole seconds after 1970."""
    try:
        return EPOCH + timedelta(seconds=whole(n))
    except OverflowError:
        fail("bad_date", "The date is outside the years 1 to 9999.")


FUNCTION = Function(
    "FROMUNIXTIME",
    ("number -> datetime",),
    "The moment that many seconds after 1970.",
    "dates",
    python=fromunixtime,
    postgresql="trellis_fn.from_seconds({0})",
    fails="null",
    examples=(("FROMUNIXTIME(0)", "1970-01-01T00:00:00Z"),),
)
