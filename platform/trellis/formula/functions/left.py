"""LEFT"""

from trellis.formula.function import Function
from trellis.formula.numbers import whole

FUNCTION = Function(
    "LEFT",
    ("text, number -> text",),
    "The first n characters; blank when n is not positive.",
    "text",
    python=lambda text, n: text[: max(0, whole(n))],
    postgresql="left({0}, trellis_fn.clamp({1}, 0))",
    examples=(('LEFT("123456", 3)', '"123"'), ('LEFT("123456", -2)', "null")),
)
