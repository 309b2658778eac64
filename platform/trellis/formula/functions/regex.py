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
    return Type.BOOLEAN


def warn(pattern: str) -> str:
    """Return what is wrong with a pattern, or an empty text."""
    try:
        compile_pattern(pattern)
    except BadPattern as error:
        return str(error)
    return ""


def is_constant(node: Node) -> bool:
    """Say whether the pattern is known before evaluation."""
    return isinstance(node, Const)


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
