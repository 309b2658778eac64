"""ROUND"""

from trellis.formula.function import Function
from trellis.formula.numbers import round_to, whole

FUNCTION = Function(
    "ROUND",
    ("number, number -> number",),
    "The number with that many decimals, half away from zero; a negative count rounds to tens, hundreds and so on.",
    "numbers",
    python=lambda x, n: round_to(x, whole(n)),
    postgresql="round({0}, trellis_fn.i({1}))",
    examples=(("ROUND(1.17, 1)", "1.2"), ("ROUND(-123456.3335, -2)", "-123500")),
)
