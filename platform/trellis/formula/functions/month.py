"""MONTH"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "MONTH",
    ("date -> number",),
    "The month of a day, 1 to 12.",
    "dates",
    python=lambda day: Decimal(day.month),
    postgresql="extract(month FROM {0})",
    examples=(("MONTH(DATE(2005, 1, 3))", "1"),),
)
