"""CASESAFEID"""

from __future__ import annotations

from trellis.formula.function import Function

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def casesafeid(text: str) -> str:
    """Append the checksum of letter case to a 15-character identifier; anything else is returned as it is."""
    if len(text) != 15:
        return text
    blocks = (text[i : i + 5] for i in (0, 5, 10))
    return text + "".join(_ALPHABET[sum(1 << i for i, c in enumerate(block) if "A" <= c <= "Z")] for block in blocks)


FUNCTION = Function(
    "CASESAFEID",
    ("text -> text",),
    "The identifier in the form that survives a loss of letter case (18 characters).",
    "text",
    python=casesafeid,
    refused="CASESAFEID has no SQL",
    examples=(('CASESAFEID("001D000000HRgmv")', '"001D000000HRgmvIAD"'),),
)
