"""ADDYEARS"""

from trellis.formula.function import Function
from trellis.formula.moments import add_months
from trellis.formula.numbers import whole

FUNCTION = Function(
    "ADDYEARS",
    ("date, number -> date", "datetime, number -> datetime"),
    "The same day some years later, by the rules of ADDMONTHS.",
    "dates",
    python=lambda value, n: add_months(value, whole(n) * 12),
    postgresql="trellis_fn.add_months({0}, trunc({1}) * 12)",
    fails="null",
    examples=(("ADDYEARS(DATE(2020, 2, 29), 1)", "2021-02-28"),),
)
