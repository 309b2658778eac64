"""MINUTE"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "MINUTE",
    ("time -> number",),
    "The minute of a time.",
    "dates",
    python=lambda value: Decimal(value.minute),
    postgresql="extract(minute FROM {0})",
    examples=(('MINUTE(TIMEVALUE("10:40:55.666"))', "40"),),
)
