"""ADDDAYS"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from trellis.formula.function import Function
from trellis.formula.moments import shift_date, shift_datetime
from trellis.formula.numbers import whole


def adddays(value: Any, n: Decimal) -> date | datetime:
    """Add whole days; the fraction of ``n`` is cut."""
    return shift_datetime(value, Decimal(whole(n))) if isinstance(value, datetime) else shift_date(value, n)


FUNCTION = Function(
    "ADDDAYS",
    ("date, number -> date", "datetime, number -> datetime"),
    "The day some whole days later.",
    "dates",
    python=adddays,
    postgresql=lambda nodes, args: args[0].wrap(
        "trellis_fn.shift_moment({0}, trunc({1}))"
        if nodes[0].type.value == "datetime"
        else "trellis_fn.shift_date({0}, {1})",
        args,
    ),
    fails="null",
    examples=(("ADDDAYS(DATE(2020, 2, 28), 2)", "2020-03-01"),),
)
