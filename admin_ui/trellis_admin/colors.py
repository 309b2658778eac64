"""Colours of tags, avatars and object glyphs: twelve names, so that both themes give each a readable pair."""

from __future__ import annotations

import zlib

COLORS = ("gray", "blue", "cyan", "teal", "green", "lime", "yellow", "orange", "red", "pink", "purple", "indigo")
_VIVID = COLORS[1:]


def color(name: object, default: str = "gray") -> str:
    """Return ``name`` if it is a known colour, else ``default``."""
    return name if isinstance(name, str) and name in COLORS else default


def color_of(text: str) -> str:
    """Return a colour that is always the same for the same text."""
    return _VIVID[zlib.crc32(text.encode()) % len(_VIVID)]


def initials(name: str) -> str:
    """Return one or two letters that stand for a name: last two characters of a Chinese given name, else first letters."""
    words = name.split()
    if not words:
        return "?"
    if any("\u4e00" <= c <= "\u9fff" for c in words[0]):
        return words[0][-2:] if len(words[0]) > 1 else words[0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
