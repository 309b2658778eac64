"""BEFORE"""

from __future__ import annotations

from trellis.formula.filter_words import by_period, period_check, period_sql
from trellis.formula.function import Blanks, Function
from trellis_metadata.formula.functions import Reads

FUNCTION = Function(
    "BEFORE",
    ("date|datetime, text -> boolean",),
    "Whether a date lies before a period. Periods: `TODAY`, `THIS_MONTH`, `LAST_N_DAYS:30` …; the days are those of the organisation.",
    "filters",
    Blanks.OWN,
    check=period_check("BEFORE"),
    count=(2, 2),
    reads=Reads.CLOCK | Reads.ZONE,
    context=True,
    python=by_period(lambda value, period: value < period[0]),
    postgresql=period_sql("({0} < LOW)"),
    examples=(('BEFORE(TODAY(), "TOMORROW")', "true"),),
)
