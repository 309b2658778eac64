"""Text as it is stored: storable characters only, one normal form, no stray white space.

Refused are NUL, the other C0 controls except tab and line breaks (XML, and with it XLSX, has no form for them), lone
surrogates (no UTF-8 form) and U+FFFE and U+FFFF. Text is brought to Unicode normal form C, so that equal looks are
equal values, and stripped of white space at both ends. A text with nothing left is null.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from trellis.fields.common.problems import invalid

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("[\t\r\n\x85\u2028\u2029]+")
_LINE_ENDS = re.compile("\r\n?|\x85|\u2028|\u2029")


def require_text(value: object, expected: str = "a text") -> str:
    """Return ``value`` if it is a text of storable characters; it is not changed."""
    if not isinstance(value, str):
        raise invalid("wrong_type", value, expected)
    bad = _FORBIDDEN.search(value)
    if bad:
        raise invalid(
            "bad_characters", value, f"{expected} without control characters (U+{ord(bad[0]):04X} at {bad.start()})"
        )
    return value


def clean_line(value: object, expected: str = "a text") -> str | None:
    """Return ``value`` as one line in normal form, None when it is blank.

    Line breaks and tabs inside become one space.
    """
    text = require_text(value, expected)
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFC", _BREAKS.sub(" ", text))
    return text.strip() or None


def clean_lines(value: object, expected: str = "a text") -> str | None:
    """Return ``value`` in normal form with lines ended by LF, None when it is blank. White space inside is kept."""
    text = _LINE_ENDS.sub("\n", require_text(value, expected))
    return unicodedata.normalize("NFC", text).strip() or None


def is_blank(value: object) -> bool:
    """Say whether ``value`` is a text with nothing but white space, which every field reads as null."""
    return isinstance(value, str) and not value.strip()


def too_long(length: int, limit: int) -> Exception:
    """Return the refusal of a text of ``length`` characters."""
    return invalid("too_long", _Count(length), f"at most {limit} characters")


def reader(clean: Callable[[Any], str | None], max_length: int, min_length: int = 0) -> Callable[[Any], str | None]:
    """Return ``clean`` with limits of length, counted in code points after cleaning."""
    hopeless = 4 * max_length + 1000  # spares the normalisation of texts that no stripping would save

    def read(value: Any) -> str | None:
        if isinstance(value, str) and len(value) > hopeless:
            raise too_long(len(value), max_length)
        text = clean(value)
        if text is None:
            return None
        if len(text) > max_length:
            raise too_long(len(text), max_length)
        if len(text) < min_length:
            raise invalid("too_short", text, f"at least {min_length} characters")
        return text

    return read


class _Count:
    def __init__(self, length: int) -> None:
        self.length = length

    def __str__(self) -> str:
        return f"{self.length} characters"
