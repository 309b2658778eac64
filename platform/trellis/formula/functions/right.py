"""RIGHT"""

from trellis.formula.function import Function
from trellis.formula.numbers import whole

FUNCTION = Function(
    "RIGHT",
    ("text, number -> text",),
    "The last n characters; blank when n is not positive.",
    "text",
    python=lambda text, n: text[-whole(n) :] if whole(n) > 0 else None,
    postgresql="right({0}, trellis_fn.clamp({1}, 0))",
    examples=(('RIGHT("123456", 2)', '"56"'),),
)
