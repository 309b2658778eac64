"""The tokeniser: Latin text becomes lower-case words, Chinese text becomes overlapping pairs and pinyin initials.

Chinese runs become bigrams ("瑞恒科技" → 瑞恒 恒科 科技) plus the run's last character, so that a query of one character finds
it by prefix. The initials of the pinyin ("rhkj") are a token of their own. ``VERSION`` changes whenever the tokens do.
"""

from __future__ import annotations

import re
import unicodedata

VERSION = 1
_RUNS = re.compile(r"([\u3400-\u9fff\uf900-\ufaff]+)|([^\W_]+)", re.UNICODE)
MAX_TOKENS = 400


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def tokens_of(text: str) -> list[str]:
    """Return the index tokens of a text."""
    tokens: list[str] = []
    for run in _RUNS.finditer(_fold(text)):
        chinese, word = run.groups()
        if word:
            tokens.append(word[:60])
            continue
        tokens.extend(chinese[i : i + 2] for i in range(len(chinese) - 1))
        tokens.append(chinese[-1])
        if len(chinese) > 1:
            tokens.append(_initials(chinese[:30]))
    return tokens[:MAX_TOKENS]


def _initials(chinese: str) -> str:
    """Return the initials of the pinyin. The dictionary takes half a second to load: not before there is Chinese text."""
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(chinese, style=Style.FIRST_LETTER))


def query_terms(text: str) -> list[tuple[str, bool]]:
    """Return the terms of a query as (token, is prefix). All must occur. The last word, and single characters, are prefixes."""
    runs = list(_RUNS.finditer(_fold(text)))
    terms: list[tuple[str, bool]] = []
    for position, run in enumerate(runs):
        chinese, word = run.groups()
        if word:
            terms.append((word[:60], position == len(runs) - 1))
        elif len(chinese) == 1:
            terms.append((chinese, True))
        else:
            terms.extend((chinese[i : i + 2], False) for i in range(len(chinese) - 1))
    return terms[:40]
