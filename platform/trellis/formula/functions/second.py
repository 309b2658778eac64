"""SECOND"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "SECOND",
    ("time -> number",),
    "The second of a time, without its fraction.",
    "dates",
    python=lambda value: Decimal(value.second),
    postgresql="trunc(extract(second FROM {0}))",
    examples=(('SECOND(TIMEVALUE("10:40:55.666"))', "55"),),
)
