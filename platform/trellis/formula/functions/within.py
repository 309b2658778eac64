"""WITHIN"""

from __future__ import annotations

from trellis.formula.filter_words import by_period, period_check, period_sql
from trellis.formula.function import Blanks, Function
from trellis_metadata.formula.functions import Reads

FUNCTION = Function(
    "WITHIN",
    ("date|datetime, text -> boolean",),
    "Whether a date lies in a period. Periods: `TODAY`, `THIS_MONTH`, `LAST_N_DAYS:30` …; the days are those of the organisation.",
    "filters",
    Blanks.OWN,
    check=period_check("WITHIN"),
    count=(2, 2),
    reads=Reads.CLOCK | Reads.ZONE,
    context=True,
    python=by_period(lambda value, period: period[0] <= value < period[1]),
    postgresql=period_sql("({0} >= LOW AND {0} < HIGH)"),
    examples=(
        ('WITHIN(TODAY(), "TODAY")', "true"),
        ('WITHIN(TODAY() - 5, "LAST_N_DAYS:5")', "false"),
    ),
)
