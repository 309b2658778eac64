"""ABS"""

from decimal import Decimal

from trellis.formula.function import Function

FUNCTION = Function(
    "ABS",
    ("number -> number",),
    "The number without its sign.",
    "numbers",
    python=Decimal.copy_abs,
    postgresql="abs({0})",
    examples=(("ABS(-3.5)", "3.5"),),
)
