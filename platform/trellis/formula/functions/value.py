"""VALUE"""

from __future__ import annotations

import re
from decimal import Decimal

from trellis.formula.function import Function
from trellis.formula.values import fail

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\Z")


def read_number(text: str) -> Decimal:
    """Read a whole text as a number: optional sign, digits with one point, optional exponent; nothing around it."""
    if NUMBER.match(text) is None:
        fail("not_a_number", "The text is not a number.")
    return Decimal(text)


FUNCTION = Function(
    "VALUE",
    ("text -> number",),
    "The number that the text names; anything around it is an error.",
    "text",
    python=read_number,
    postgresql="(CASE WHEN {0} ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{{1,4}})?$' THEN CAST({0} AS numeric) END)",
    fails="null",
    examples=(('VALUE("1.5")', "1.5"), ('VALUE("1,5")', "error")),
)
