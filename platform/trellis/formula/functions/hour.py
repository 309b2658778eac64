"""HOUR"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "HOUR",
    ("time -> number",),
    "The hour of a time.",
    "dates",
    python=lambda value: Decimal(value.hour),
    postgresql="extract(hour FROM {0})",
    examples=(('HOUR(TIMEVALUE("10:40:55.666"))', "10"),),
)
