"""ENDOF"""

from trellis.formula.function import Function, Reads
from trellis.formula.periods import check_period, period_end
from trellis.formula.sql.periods import period_sql

FUNCTION = Function(
    "ENDOF",
    ("text, date -> date",),
    "The last day of the `week` (Sunday), `month`, `quarter`, `half`, `year` or `fiscal_year` of a day.",
    "dates",
    reads=Reads.ORGANISATION,
    check=lambda nodes: check_period("ENDOF", nodes),
    count=(2, 2),
    context=True,
    python=period_end,
    postgresql=period_sql("ENDOF", end=True),
    fails="null",
    examples=(('ENDOF("month", DATE(2024, 2, 3))', "2024-02-29"), ('ENDOF("year", DATE(9999, 2, 3))', "9999-12-31")),
)
