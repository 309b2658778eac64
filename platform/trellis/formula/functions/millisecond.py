"""MILLISECOND"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "MILLISECOND",
    ("time -> number",),
    "The milliseconds of a time.",
    "dates",
    python=lambda value: Decimal(value.microsecond // 1000),
    postgresql="mod(trunc(extract(milliseconds FROM {0})), 1000)",
    examples=(('MILLISECOND(TIMEVALUE("10:40:55.666"))', "666"),),
)
