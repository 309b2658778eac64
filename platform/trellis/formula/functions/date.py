"""DATE"""

from trellis.formula.function import Function
from trellis.formula.moments import make_date
from trellis.formula.numbers import whole

FUNCTION = Function(
    "DATE",
    ("number, number, number -> date",),
    "The day of year, month and day; an error when there is no such day.",
    "dates",
    python=lambda y, m, d: make_date(whole(y), whole(m), whole(d)),
    postgresql="trellis_fn.make_date({0}, {1}, {2})",
    fails="null",
    examples=(("DATE(2012, 2, 29)", "2012-02-29"), ("DATE(2011, 2, 29)", "error")),
)
