"""``re``: regular expressions by google-re2, whose time is linear in the text.

RE2 knows no look-around and no back-references within a pattern; the error says so. Replacements are put together here, so
that their size is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import re2

from trellis_plugins.scripts.jail.attributes import Attributes, Items

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards

PATTERN_LENGTH = 2_000
IGNORECASE, MULTILINE, DOTALL, ASCII = 2, 8, 16, 256
_FLAGS = {IGNORECASE: "i", MULTILINE: "m", DOTALL: "s"}
_HINTS = ("(?=", "(?!", "(?<=", "(?<!", "(?P=")


class Match(Attributes, Items):
    """One match."""

    __slots__ = ("_match",)
    SCRIPT_NAME = "match"

    def __init__(self, match: Any) -> None:
        self._match = match

    def attribute(self, name: str) -> Any:
        if name in ("group", "groups", "groupdict", "start", "end", "span", "string", "lastindex", "lastgroup"):
            return getattr(self._match, name)
        return super().attribute(name)

    def item(self, key: Any) -> Any:
        return self._match.group(key)


class Pattern(Attributes):
    """A compiled expression."""

    __slots__ = ("_guards", "_regex", "pattern")
    SCRIPT_NAME = "pattern"

    def __init__(self, guards: Guards, pattern: Any, flags: Any) -> None:
        if type(pattern) is not str or type(flags) is not int:
            raise TypeError("a regular expression is a text")
        if len(pattern) > PATTERN_LENGTH:
            raise ValueError(f"a regular expression has at most {PATTERN_LENGTH:,} characters")
        letters = "".join(letter for bit, letter in _FLAGS.items() if flags & bit)
        options = re2.Options()
        options.max_mem = 4 << 20
        options.log_errors = False
        try:
            self._regex = re2.compile(f"(?{letters}){pattern}" if letters else pattern, options)
        except re2.error as error:
            why = error.args[0] if error.args else "unknown"
            why = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
            hint = " Look-around and back-references are not available." if any(h in pattern for h in _HINTS) else ""
            raise ValueError(f"the regular expression is not valid: {why[:200]}.{hint}") from None
        guards.budget.charge(len(pattern))
        self.pattern, self._guards = pattern, guards

    def attribute(self, name: str) -> Any:
        if name in ("match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split", "pattern"):
            return getattr(self, name)
        return super().attribute(name)

    def _text(self, text: Any) -> str:
        if type(text) is not str:
            raise TypeError("a regular expression is applied to a text")
        self._guards.budget.charge(1 + (len(text) >> 4))
        return text

    def match(self, text: Any) -> Match | None:
        """Match at the beginning."""
        found = self._regex.match(self._text(text))
        return Match(found) if found else None

    def search(self, text: Any) -> Match | None:
        """Find the first match."""
        found = self._regex.search(self._text(text))
        return Match(found) if found else None

    def fullmatch(self, text: Any) -> Match | None:
        """Match the whole text."""
        found = self._regex.fullmatch(self._text(text))
        return Match(found) if found else None

    def _matches(self, text: Any) -> Iterator[Any]:
        for count, found in enumerate(self._regex.finditer(self._text(text))):
            self._guards.budget.tick()
            self._guards.sizes.items(count) if count % 1_000 == 999 else None
            yield found

    def finditer(self, text: Any) -> list[Match]:
        """Find all matches."""
        return [Match(m) for m in self._matches(text)]

    def findall(self, text: Any) -> list[Any]:
        """Find the texts of all matches, or their groups."""
        groups = self._regex.groups
        return [
            m.group(0) if groups == 0 else (m.group(1) or "") if groups == 1 else tuple(g or "" for g in m.groups())
            for m in self._matches(text)
        ]

    def sub(self, replacement: Any, text: Any, count: int = 0) -> str:
        """Replace matches by a text (``\\1``, ``\\g<name>``) or by what a function makes of each."""
        return self.subn(replacement, text, count)[0]

    def subn(self, replacement: Any, text: Any, count: int = 0) -> tuple[str, int]:
        """Replace matches; return the text and how many were replaced."""
        made: list[str] = []
        position = size = done = 0
        parts = _template(replacement) if type(replacement) is str else None
        for found in self._matches(text):
            if count and done >= count:
                break
            if parts is not None:
                new = "".join([p if type(p) is str else found.group(p[0]) or "" for p in parts])
            else:
                new = replacement(Match(found))
                if type(new) is not str:
                    raise TypeError("the function must return a text")
            size += len(new)
            self._guards.sizes.text(size) if size > 10_000 else None
            made += (text[position : found.start()], new)
            position, done = found.end(), done + 1
        made.append(text[position:])
        self._guards.sizes.text(sum(map(len, made)))
        return "".join(made), done

    def split(self, text: Any, maxsplit: int = 0) -> list[Any]:
        """Split at matches."""
        made: list[Any] = []
        position = 0
        for done, found in enumerate(self._matches(text)):
            if maxsplit and done >= maxsplit:
                break
            made.append(text[position : found.start()])
            made.extend(found.groups())
            position = found.end()
        return [*made, text[position:]]


_GROUP = re2.compile(r"\\(?:(\d{1,2})|g<([A-Za-z]\w{0,60}|\d{1,2})>|(\\)|(n)|(t)|(.))")


def _template(text: str) -> list[Any]:
    """Take a replacement apart: texts, and groups as tuples of one."""
    parts: list[Any] = []
    position = 0
    for found in _GROUP.finditer(text):
        parts.append(text[position : found.start()])
        number, name, backslash, newline, tab, other = found.groups()
        if number is not None:
            parts.append((int(number),))
        elif name is not None:
            parts.append((int(name) if name.isdigit() else name,))
        elif other is not None:
            raise ValueError(f"the replacement holds '\\{other}', which is not known")
        else:
            parts.append("\\" if backslash else "\n" if newline else "\t" if tab else "")
        position = found.end()
    return [*parts, text[position:]]


def names(guards: Guards) -> dict[str, Any]:
    """Return what the module offers."""
    kept: dict[tuple[Any, Any], Pattern] = {}

    def compiled(pattern: Any, flags: Any = 0) -> Pattern:
        if type(pattern) is Pattern:
            return pattern
        key = (pattern, flags) if type(pattern) is str and type(flags) is int else None
        if key not in kept or key is None:
            made = Pattern(guards, pattern, flags)
            if key is None or len(kept) > 50:
                return made
            kept[key] = made
        return kept[key]

    def with_text(name: str) -> Any:
        def called(pattern: Any, text: Any, flags: Any = 0) -> Any:
            return getattr(compiled(pattern, flags), name)(text)

        return called

    def sub(pattern: Any, replacement: Any, text: Any, count: int = 0, flags: Any = 0) -> str:
        return compiled(pattern, flags).sub(replacement, text, count)

    def subn(pattern: Any, replacement: Any, text: Any, count: int = 0, flags: Any = 0) -> tuple[str, int]:
        return compiled(pattern, flags).subn(replacement, text, count)

    def split(pattern: Any, text: Any, maxsplit: int = 0, flags: Any = 0) -> list[Any]:
        return compiled(pattern, flags).split(text, maxsplit)

    def escape(text: Any) -> str:
        if type(text) is not str:
            raise TypeError("re.escape takes a text")
        guards.sizes.text(2 * len(text))
        return "".join(c if c.isalnum() or c == "_" or ord(c) > 127 else "\\" + c for c in text)

    return {
        "compile": compiled,
        **{n: with_text(n) for n in ("match", "search", "fullmatch", "findall", "finditer")},
        "sub": sub,
        "subn": subn,
        "split": split,
        "escape": escape,
        "I": IGNORECASE,
        "IGNORECASE": IGNORECASE,
        "M": MULTILINE,
        "MULTILINE": MULTILINE,
        "S": DOTALL,
        "DOTALL": DOTALL,
        "A": ASCII,
        "ASCII": ASCII,
    }
