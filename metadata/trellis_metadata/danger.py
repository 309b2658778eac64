"""Danger: what a change of metadata can do to records.

``destructive`` loses values that people entered, ``caution`` can refuse records that were accepted before or needs
work on the stored rows, ``safe`` does neither.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from trellis_metadata.addresses import Path


class Danger(StrEnum):
    """How dangerous an operation is."""

    SAFE = "safe"
    CAUTION = "caution"
    DESTRUCTIVE = "destructive"


LOSING_LISTS = frozenset({"fields", "options", "record_types", "stages"})
_TIGHTER_WHEN_TRUE = frozenset({"required", "unique", "restricted", "case_sensitive"})
_TIGHTER_WHEN_SMALLER = frozenset({"max_length", "max", "precision", "scale"})
_TIGHTER_WHEN_LARGER = frozenset({"min_length", "min"})
TIGHTENING = _TIGHTER_WHEN_TRUE | _TIGHTER_WHEN_SMALLER | _TIGHTER_WHEN_LARGER
"""Keys whose value decides which records are accepted."""
GATES = frozenset({"enter_when", "leave_when", "requires", "required", "active", "initial", "closed", "reopen"})
"""Keys of a stage that decide which records may enter or leave it."""
_ALWAYS_CAUTION = frozenset(
    {"pattern", "target", "picklist", "on_delete", "values_by", "depends_on", "filter", "format", "currencies"}
)
_WIDER_TYPES = frozenset(
    {
        ("integer", "number"),
        ("text", "long_text"),
        ("email", "text"),
        ("phone", "text"),
        ("url", "text"),
        ("auto_number", "text"),
        ("picklist", "multi_picklist"),
        ("date", "datetime"),
    }
)


def of_document(kind: str, *, removed: bool) -> Danger:
    """Return the danger of adding or removing a document."""
    if not removed:
        return Danger.SAFE
    return {"object": Danger.DESTRUCTIVE, "picklist": Danger.DESTRUCTIVE, "pack": Danger.CAUTION}.get(kind, Danger.SAFE)


def of_element(path: Path, value: Any, *, removed: bool) -> Danger:
    """Return the danger of adding or removing the element at ``path`` of a named list."""
    key = path[-2]
    if removed:
        return Danger.DESTRUCTIVE if key in LOSING_LISTS else Danger.SAFE
    if key in ("unique", "validation"):
        return Danger.CAUTION
    demanding = key == "fields" and isinstance(value, dict) and (value.get("required") or value.get("unique"))
    return Danger.CAUTION if demanding else Danger.SAFE


def of_change(kind: str, path: Path, before: Any, after: Any) -> Danger:
    """Return the danger of changing the value at ``path``; a missing value is ABSENT."""
    key = path[-1]
    in_field = kind == "object" and path[0] == "fields"
    if in_field and len(path) == 3 and key == "type":
        return Danger.CAUTION if (before, after) in _WIDER_TYPES else Danger.DESTRUCTIVE
    if kind == "object" and path[0] == "sharing":
        return Danger.CAUTION
    if kind == "object" and path[0] in ("validation", "unique"):
        return Danger.CAUTION
    if kind == "pipeline" and (path[0] in ("when", "moves") or key in GATES):
        return Danger.CAUTION
    if in_field or key == "restricted":
        return _of_option(key, before, after)
    return Danger.SAFE


def _of_option(key: str, before: Any, after: Any) -> Danger:
    if key in _TIGHTER_WHEN_TRUE:
        return Danger.CAUTION if after is True or before is False else Danger.SAFE
    if key in _TIGHTER_WHEN_SMALLER:
        return Danger.CAUTION if _less(after, before, unbounded=True) else Danger.SAFE
    if key in _TIGHTER_WHEN_LARGER:
        return Danger.CAUTION if _less(before, after, unbounded=False) else Danger.SAFE
    return Danger.CAUTION if key in _ALWAYS_CAUTION else Danger.SAFE


def _less(a: Any, b: Any, *, unbounded: bool) -> bool:
    """Compare two limits; one that is missing is unbounded (an upper limit: infinite; a lower one: minus infinite)."""
    limits = [_number(value) for value in (a, b)]
    missing = float("inf") if unbounded else float("-inf")
    first, second = (missing if limit is None else limit for limit in limits)
    return first < second


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
