"""YEAR"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "YEAR",
    ("date -> number",),
    "The year of a day.",
    "dates",
    python=lambda day: Decimal(day.year),
    postgresql="extract(year FROM {0})",
    examples=(("YEAR(DATE(2005, 1, 3))", "2005"),),
)
