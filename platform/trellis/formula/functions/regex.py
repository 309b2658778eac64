"""REGEX"""

from __future__ import annotations

from collections.abc import Sequence

from trellis.formula.function import Blanks, Function
from trellis.formula.patterns import BadPattern, compile_pattern, matches
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import WORDS, Type, fits


def _check(nodes: Sequence[Node]) -> Type | Complaint:
    for index, node in enumerate(nodes):
        if not fits(node.type, Type.TEXT):
            return Complaint(f"Argument {index + 1} of REGEX must be a text, but {WORDS[node.type]} is given.", index)
    pattern = nodes[1]
    if isinstance(pattern, Const) and isinstance(pattern.value, str):
        try:
            compile_pattern(pattern.value)
        except BadPattern as error:
            return Complaint(str(error), 1, "bad_regex")
    return Type.BOOLEAN


FUNCTION = Function(
    "REGEX",
    ("text, text -> boolean",),
    "Whether the whole text matches the regular expression (RE2: its time is linear in the text).",
    "text",
    Blanks.OWN,
    check=_check,
    count=(2, 2),
    python=lambda text, pattern: matches(text or "", pattern or ""),
    refused="REGEX has no exact SQL",
    examples=(('REGEX("94102", "[0-9]{5}")', "true"), ('REGEX("a94102", "[0-9]{5}")', "false")),
)
