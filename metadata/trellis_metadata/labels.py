"""Labels: texts for people, in one or several languages. They are free to change; API names are not."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "zh")
Label = str | Mapping[str, str]


def text_of(label: Label | None, language: str, fallback: str = "") -> str:
    """Return ``label`` in ``language``, else in English, else in any language, else ``fallback``."""
    if label is None:
        return fallback
    if isinstance(label, str):
        return label
    return label.get(language) or label.get("en") or next(iter(label.values()), "") or fallback
