"""ISOYEAR"""

from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.functions.isoweek import day_sql

FUNCTION = Function(
    "ISOYEAR",
    ("date|datetime -> number",),
    "The year to which the week of a day belongs by ISO 8601.",
    "dates",
    python=lambda day: Decimal(day.isocalendar()[0]),
    postgresql=lambda nodes, args: day_sql("isoyear", nodes, args),
    examples=(("ISOYEAR(DATE(2006, 1, 1))", "2005"),),
)
