"""STARTOF"""

from trellis.formula.function import Function, Reads
from trellis.formula.periods import check_period, period_start
from trellis.formula.sql.periods import period_sql

FUNCTION = Function(
    "STARTOF",
    ("text, date -> date",),
    "The first day of the `week` (Monday), `month`, `quarter`, `half`, `year` or `fiscal_year` of a day.",
    "dates",
    reads=Reads.ORGANISATION,
    check=lambda nodes: check_period("STARTOF", nodes),
    count=(2, 2),
    context=True,
    python=period_start,
    postgresql=period_sql("STARTOF"),
    examples=(('STARTOF("quarter", DATE(2026, 11, 22))', "2026-10-01"),),
)
