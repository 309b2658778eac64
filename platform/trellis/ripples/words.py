"""Roll-ups in words, for plans, setup and the record page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.ripples.definition import Rollup
from trellis.ripples.inputs import field_of
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Snapshot

_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "count": ("number of {list}", "{list}的数量"),
    "sum": ("sum of {field} over {list}", "{list}的{field}之和"),
    "min": ("smallest {field} of {list}", "{list}的最小{field}"),
    "max": ("largest {field} of {list}", "{list}的最大{field}"),
    "avg": ("average {field} of {list}", "{list}的平均{field}"),
    "first": ("{field} of the first of {list}", "{list}中第一条的{field}"),
    "last": ("{field} of the last of {list}", "{list}中最后一条的{field}"),
    "join": ("{field} of all {list}, joined", "{list}的{field}合并"),
}
_DISTINCT = ("number of different values of {field} in {list}", "{list}的不同{field}的数量")
_WITH_FIELD = ("number of {list} with {field}", "有{field}的{list}的数量")
_WHERE = (" where {filter}", "（条件：{filter}）")
_ORDER = (", in the order of {order}", "，按{order}排序")
_BACK = (", in the reverse order of {order}", "，按{order}倒序")
_SYMBOLS = {"is_blank": "is blank", "is_not_blank": "is not blank", "not_in": "not in"}


def describe(rollup: Rollup, snapshot: Snapshot, language: str) -> str:
    """Return what a roll-up computes, such as ``sum of Amount over Expenses where status = approved``."""
    at = 1 if language == "zh" else 0
    operation = _OPERATIONS[rollup.operation]
    if rollup.operation == "count" and rollup.field:
        operation = _DISTINCT if rollup.distinct else _WITH_FIELD
    child = snapshot.get("object", rollup.child) or {}
    plural = text_of(child.get("plural") or child.get("label"), language, rollup.child)
    text = operation[at].format(list=plural, field=_label(snapshot, rollup.child, rollup.field, language))
    if rollup.filter is not None:
        text += _WHERE[at].format(filter=filter_in_words(rollup.filter))
    if rollup.order_by:
        order = _label(snapshot, rollup.child, rollup.order_by, language)
        text += (_BACK if rollup.descending else _ORDER)[at].format(order=order)
    return text


def _label(snapshot: Snapshot, object_name: str, path: str | None, language: str) -> str:
    field = field_of(snapshot, object_name, path or "")
    return text_of(field.get("label") if field else None, language, path or "")


def filter_in_words(filter: Any) -> str:
    """Return a filter as one line of text."""
    if isinstance(filter, str):
        return filter
    for key, word in (("and", " and "), ("or", " or ")):
        if key in filter:
            return word.join(_grouped(part) for part in filter[key])
    if "not" in filter:
        return f"not ({filter_in_words(filter['not'])})"
    if "formula" in filter:
        return str(filter["formula"])
    value = filter.get("value")
    shown = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return f"{filter['field']} {_SYMBOLS.get(filter['op'], filter['op'])} {shown}".strip()


def _grouped(part: Any) -> str:
    text = filter_in_words(part)
    return f"({text})" if isinstance(part, Mapping) and ("and" in part or "or" in part) else text
