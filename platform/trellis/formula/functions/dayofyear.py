"""DAYOFYEAR"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "DAYOFYEAR",
    ("date -> number",),
    "The number of the day in its year.",
    "dates",
    python=lambda day: Decimal(day.timetuple().tm_yday),
    postgresql="extract(doy FROM {0})",
    examples=(("DAYOFYEAR(DATE(2008, 12, 31))", "366"),),
)
