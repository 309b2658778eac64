"""INITCAP"""

from __future__ import annotations

import re

from trellis.formula.function import Function

_RUN = re.compile(r"[^\W_]+")


def initcap(text: str) -> str:
    """Capitalise the first character of every run of letters and digits and make the rest small."""
    return _RUN.sub(lambda run: run[0][0].upper() + run[0][1:].lower(), text)


FUNCTION = Function(
    "INITCAP",
    ("text -> text",),
    "The first letter of each word in capitals, the rest small.",
    "text",
    python=initcap,
    refused="INITCAP has no exact SQL",
    examples=(('INITCAP("mr. smith")', '"Mr. Smith"'),),
)
