"""Words for people about merges: what an element is called, why there is a conflict. English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis_metadata import words
from trellis_metadata.addresses import ABSENT, Path, find
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Document

ORDER = "#order"
"""Last part of the path of the order of a list, which is a value of its own."""

_REASONS: Mapping[str, tuple[str, str]] = {
    "both_changed": ("Both sides changed it, to different values.", "双方都做了修改，且值不同。"),
    "both_added": ("Both sides set it anew, to different values.", "双方都新设了它，但值不同。"),
    "both_renamed": ("Both sides renamed it, to different names.", "双方都重命名了它，但名称不同。"),
    "both_ordered": ("Both sides changed the order, in different ways.", "双方都调整了顺序，且结果不同。"),
    "both_moved": ("Both sides moved it, to different places.", "双方都移动了它，但位置不同。"),
    "we_deleted": ("You deleted it; the new version changes it.", "您删除了它，而新版本修改了它。"),
    "they_deleted": ("You changed it; the new version deletes it.", "您修改了它，而新版本删除了它。"),
    "name_taken": (
        "One side gave it a name that the other side gave to something else.",
        "一方使用的名称已被另一方用于其他内容。",
    ),
    "still_used": (
        "The new version deletes it, but something of yours still uses it.",
        "新版本删除了它，但您的内容仍在使用。",
    ),
    "missed": (
        "You deleted it, but the new version brings something that uses it.",
        "您删除了它，但新版本中有内容需要使用它。",
    ),
    "does_not_fit": (
        "The changes of both sides are not valid together.",
        "双方的修改合在一起无效。",
    ),
}


_KEYS: Mapping[str, str] = {
    "label": "名称",
    "plural": "复数名称",
    "help": "帮助",
    "description": "说明",
    "message": "提示",
    "required": "必填",
    "unique": "唯一",
    "default": "默认值",
    "min": "最小值",
    "max": "最大值",
    "max_length": "最大长度",
    "type": "类型",
    "options": "选项",
    "columns": "列",
    "cells": "单元格",
    "filter": "筛选条件",
    "sort": "排序",
    "sharing": "共享",
    "when": "条件",
    "items": "项目",
    "color": "颜色",
    "restricted": "仅限所列值",
    "name": "API 名称",
    "en": "英文",
    "zh": "中文",
}
"""Keys in Chinese; in English a key speaks for itself."""


def reason_text(reason: str, language: str) -> str:
    """Return the sentence for the reason of a conflict."""
    found = _REASONS.get(reason)
    return found[language == "zh"] if found else reason


def place(kind: str, name: str, path: Path, language: str, document: Document | None = None) -> str:
    """Return the words for an element: "label of option 'hot' of field 'stage' of object 'deal'".

    With ``document`` a list is told from an object, and labels stand beside names.
    """
    parts = [_named(words.noun(kind, language), name, document, language)]
    value: Any = document if document is not None else ABSENT
    rest = list(path)
    while rest:
        key = rest.pop(0)
        value = find(value, (key,)) if value is not ABSENT else ABSENT
        listed = isinstance(value, list) and all(isinstance(e, Mapping) and "name" in e for e in value)
        if rest and rest[0] != ORDER and (listed or (value is ABSENT and key.endswith("s"))):
            element = rest.pop(0)
            value = find(value, (element,)) if value is not ABSENT else ABSENT
            parts.append(_named(words.element_noun(kind, key, language), element, value, language))
        elif key == ORDER:
            parts.append("顺序" if language == "zh" else "the order")
        else:
            parts.append(_KEYS.get(key, key) if language == "zh" else key.replace("_", " "))
    return "的".join(parts) if language == "zh" else " of ".join(reversed(parts))


def _named(noun: str, name: str, value: Any, language: str) -> str:
    label = value.get("label") if isinstance(value, Mapping) else None
    shown = text_of(label, language) if label else name
    return f"{noun}“{shown}”" if language == "zh" else f"{noun} '{shown}'"
