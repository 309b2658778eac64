"""ADDMONTHS"""

from trellis.formula.function import Function
from trellis.formula.moments import add_months
from trellis.formula.numbers import whole

FUNCTION = Function(
    "ADDMONTHS",
    ("date, number -> date", "datetime, number -> datetime"),
    "The same day some months later; the last day of a month stays a last day, other days are limited to the month.",
    "dates",
    python=lambda value, n: add_months(value, whole(n)),
    postgresql="trellis_fn.add_months({0}, {1})",
    fails="null",
    examples=(("ADDMONTHS(DATE(2020, 4, 30), 3)", "2020-07-31"), ("ADDMONTHS(DATE(2020, 1, 30), 1)", "2020-02-29")),
)
