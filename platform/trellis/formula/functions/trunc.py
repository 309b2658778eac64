"""TRUNC"""

from decimal import ROUND_DOWN

from trellis.formula.function import Function
from trellis.formula.numbers import round_to, whole

FUNCTION = Function(
    "TRUNC",
    ("number, number? -> number",),
    "The number cut to that many decimals (none: a whole number).",
    "numbers",
    python=lambda x, n=0: round_to(x, whole(n) if n else 0, ROUND_DOWN),
    postgresql=lambda nodes, args: args[0].wrap(
        "trunc({0}, trellis_fn.i({1}))" if len(args) > 1 else "trunc({0})", args
    ),
    examples=(("TRUNC(1.79, 1)", "1.7"), ("TRUNC(-1.79, 0)", "-1")),
)
