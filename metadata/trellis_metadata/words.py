"""Words for people about documents and their parts, in English and Chinese."""

from __future__ import annotations

import json
from typing import Any

from trellis_metadata.addresses import ABSENT, Path
from trellis_metadata.kind import kinds


def noun(kind: str, language: str) -> str:
    """Return what a kind of document is called."""
    known = kinds().get(kind)
    return known.label.get(language, known.label["en"]) if known else kind


def element_noun(kind: str, key: str, language: str) -> str:
    """Return what an element of the list ``key`` is called."""
    known = kinds().get(kind)
    words = known.nouns.get(key) if known else None
    return words[language == "zh"] if words else key.replace("_", " ")


def place(kind: str, name: str, path: Path, language: str) -> str:
    """Return the words for the element (or document) at ``path``: "option 'hot' of field 'stage' of object 'deal'"."""
    pairs = list(zip(path[::2], path[1::2], strict=False))
    if language == "zh":
        parts = [f"{noun(kind, 'zh')}“{name}”", *(f"{element_noun(kind, k, 'zh')}“{n}”" for k, n in pairs)]
        return "的".join(parts)
    parts = [f"{noun(kind, 'en')} '{name}'", *(f"{element_noun(kind, k, 'en')} '{n}'" for k, n in pairs)]
    return " of ".join(reversed(parts))


def split(path: Path) -> tuple[Path, str]:
    """Return the element that a key belongs to, and the key as text; keys inside maps are joined with dots."""
    even = len(path) - len(path) % 2
    owner = path[: even if even < len(path) else 0]
    return (owner, path[-1]) if even < len(path) else ((), ".".join(path))


def shown(value: Any, language: str) -> str:
    """Return a value in a few characters."""
    if value is ABSENT:
        return "无" if language == "zh" else "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
