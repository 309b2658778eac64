"""Patterns with bounded time: RE2 for regular expressions, and LIKE on top of it.

RE2 has no look-around. One kind is common and easy: conditions at the very beginning (``^(?=.*\\d)(?!abc).{8,}``), which
are tried as patterns of their own.
"""

from __future__ import annotations

import re
from functools import lru_cache

import re2  # type: ignore[import-untyped]

from trellis.formula.values import fail

MAX_PATTERN = 2000
_CLASSES = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Space": r"\s",
    "Punct": r"!-/:-@\[-`{-~",
    "XDigit": "0-9a-fA-F",
}
_CLASS = re.compile(r"\\p\{(Alpha|Digit|Alnum|Upper|Lower|Space|Punct|XDigit)\}")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.never_nl = False
_DOTALL = re2.Options()
_DOTALL.log_errors = False
_DOTALL.dot_nl = True


class BadPattern(ValueError):
    """A regular expression that cannot be used."""


class Pattern:
    """A regular expression and the conditions at its beginning."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise BadPattern(f"A regular expression may have at most {MAX_PATTERN} characters.")
        self.ahead: list[tuple[bool, re2._Regexp]] = []
        rest = text.removeprefix("^")
        while rest.startswith(("(?=", "(?!")):
            end = _closing(rest)
            self.ahead.append((rest[2] == "=", _compile(rest[3:end])))
            rest = rest[end + 1 :]
        self.whole = _compile(rest if self.ahead else text)

    def matches(self, text: str) -> bool:
        """Say whether the whole text matches."""
        return (
            all((p.match(text) is not None) is wanted for wanted, p in self.ahead)
            and self.whole.fullmatch(text) is not None
        )


def _closing(text: str) -> int:
    depth, at, in_class = 0, 0, False
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise BadPattern("A bracket of the regular expression is not closed.")


def _compile(text: str) -> re2._Regexp:
    inside = _CLASS.sub(lambda found: f"[{_CLASSES[found[1]]}]", text)
    try:
        return re2.compile(inside, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(f"The regular expression cannot be used: {shown}.") from None


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Return the compiled pattern; raises ``BadPattern``."""
    return Pattern(text)


def matches(text: str, pattern: str) -> bool:
    """Say whether the whole text matches the regular expression; a bad one is an evaluation error."""
    try:
        return compile_pattern(pattern).matches(text)
    except BadPattern as error:
        fail("bad_regex", str(error))


@lru_cache(maxsize=1024)
def _like(pattern: str) -> re2._Regexp:
    out, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            at += 1
            out.append(re2.escape(pattern[at]))
        else:
            out.append({"%": ".*", "_": "."}.get(character) or re2.escape(character))
        at += 1
    return re2.compile("".join(out), _DOTALL)


def like(text: str, pattern: str) -> bool:
    """Say whether the whole text matches a LIKE pattern; a backslash at the very end stands for itself."""
    return _like(pattern).fullmatch(text) is not None
