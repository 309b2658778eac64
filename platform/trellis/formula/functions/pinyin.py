"""PINYIN"""

from __future__ import annotations

from trellis.formula.function import Function


def pinyin(text: str) -> str:
    """Return the text with Chinese characters written in pinyin without tones, one word per character."""
    from pypinyin import lazy_pinyin  # its dictionary takes time to load

    return " ".join(lazy_pinyin(text))


FUNCTION = Function(
    "PINYIN",
    ("text -> text",),
    "Chinese characters in pinyin without tones, for sorting and searching.",
    "text",
    python=pinyin,
    refused="PINYIN has no SQL",
    examples=(('PINYIN("中国")', '"zhong guo"'),),
)
