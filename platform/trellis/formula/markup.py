"""Presentation in a text value: a link or an image as parts between private-use characters.

The value stays a text, so that it can be joined and compared like any other; whoever renders it calls :func:`split` and
escapes each part. Nothing in it is ever HTML.
"""

from __future__ import annotations

OPEN, SEPARATOR, CLOSE = "\ue000", "\ue001", "\ue002"
_CLEAN = str.maketrans("", "", OPEN + SEPARATOR + CLOSE)


def element(kind: str, *parts: str | None) -> str:
    """Return an element as text."""
    return OPEN + SEPARATOR.join([kind, *((p or "").translate(_CLEAN) for p in parts)]) + CLOSE


def split(text: str) -> list[str | tuple[str, ...]]:
    """Return plain texts and elements (kind and parts) in order."""
    found: list[str | tuple[str, ...]] = []
    for index, piece in enumerate(text.split(OPEN)):
        inside, closed, after = piece.partition(CLOSE)
        if index and closed:
            found.append(tuple(inside.split(SEPARATOR)))
            piece = after
        if piece:
            found.append(piece)
    return found
