"""PI"""

from decimal import Decimal

from trellis.formula.function import Function

PI = Decimal("3.141592653589793")

FUNCTION = Function(
    "PI",
    ("-> number",),
    "The number π as a double knows it.",
    "numbers",
    python=lambda: PI,
    postgresql=f"{PI}",
    examples=(("ROUND(PI(), 7)", "3.1415927"),),
)
