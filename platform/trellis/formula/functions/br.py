"""BR"""

from trellis.formula.function import Function

FUNCTION = Function(
    "BR",
    ("-> text",),
    "A line break.",
    "presentation",
    python=lambda: "\n",
    postgresql="E'\\n'",
    examples=(('"a" & BR() & "b" = "ab"', "false"),),
)
