"""UNTIL"""

from __future__ import annotations

from trellis.formula.filter_words import by_period, period_check, period_sql
from trellis.formula.function import Blanks, Function
from trellis_metadata.formula.functions import Reads

FUNCTION = Function(
    "UNTIL",
    ("date|datetime, text -> boolean",),
    "Whether a date lies in a period or before it. Periods: `TODAY`, `THIS_MONTH`, `LAST_N_DAYS:30` …; the days are those of the organisation.",
    "filters",
    Blanks.OWN,
    check=period_check("UNTIL"),
    count=(2, 2),
    reads=Reads.CLOCK | Reads.ZONE,
    context=True,
    python=by_period(lambda value, period: value < period[1]),
    postgresql=period_sql("({0} < HIGH)"),
    examples=(('UNTIL(TODAY(), "TODAY")', "true"),),
)
