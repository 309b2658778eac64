"""WEEKDAY"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "WEEKDAY",
    ("date -> number",),
    "The day of the week, Sunday is 1.",
    "dates",
    python=lambda day: Decimal(day.isoweekday() % 7 + 1),
    postgresql="(extract(dow FROM {0}) + 1)",
    examples=(("WEEKDAY(DATE(1969, 2, 12))", "4"),),
)
