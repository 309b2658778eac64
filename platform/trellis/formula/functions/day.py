"""DAY"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "DAY",
    ("date -> number",),
    "The day of the month.",
    "dates",
    python=lambda day: Decimal(day.day),
    postgresql="extract(day FROM {0})",
    examples=(("DAY(DATE(1958, 1, 15))", "15"),),
)
