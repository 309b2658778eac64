"""Guards cells of CSV files against being run as formulas by spreadsheet programs.

A text that begins with ``= + - @``, tab or carriage return gets a leading apostrophe unless it is a number; a text that
begins with apostrophes before such a character gets one more, so that :func:`unguard` gives every text back unchanged.
Source of the rule: OWASP, "CSV Injection".
"""

from __future__ import annotations

import re

_TRIGGER = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


def guard(text: str) -> str:
    """Return the cell as it may stand in a file."""
    if text[:1] in "'=+-@\t\r" and _TRIGGER.match(text) and not _NUMBER.match(text):
        return "'" + text
    return text


def unguard(text: str) -> str:
    """Return the text that :func:`guard` was given."""
    return text[1:] if text[:1] == "'" and _GUARDED.match(text) else text
