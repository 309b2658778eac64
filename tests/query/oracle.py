"""What filters mean, written a second time in plain Python over JSON values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

READ: dict[str, Callable[[Any], Any]] = {
    "n": Decimal,
    "money": lambda v: Decimal(v["amount"] if isinstance(v, dict) else v),
    "i": Decimal,
    "d": date.fromisoformat,
    "at": datetime.fromisoformat,
}
COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def matches(row: dict[str, Any], tree: dict[str, Any]) -> bool:
    """Say whether a row passes. A comparison with a blank is false; so is its negation by ``!=`` and ``not_…``."""
    if "and" in tree:
        return all(matches(row, t) for t in tree["and"])
    if "or" in tree:
        return any(matches(row, t) for t in tree["or"])
    if "not" in tree:
        return not matches(row, tree["not"])
    value, op, wanted = row[tree["field"]], tree["op"], tree.get("value")
    if op in ("is_blank", "is_not_blank"):
        return (value is None) == (op == "is_blank")
    if value is None:
        return op == "excludes"
    if op in ("includes_any", "includes_all", "excludes"):
        held = [w in value for w in wanted]
        return {"includes_any": any(held), "includes_all": all(held), "excludes": not any(held)}[op]
    if op in ("contains", "not_contains", "starts_with", "ends_with"):
        text, part = lower(value), lower(wanted)
        return {
            "contains": part in text,
            "not_contains": part not in text,
            "starts_with": text.startswith(part),
            "ends_with": text.endswith(part),
        }[op]
    read = READ.get(tree["field"], lambda v: v)
    if op == "between":
        return bool(read(wanted[0]) <= read(value) <= read(wanted[1]))
    if op in ("in", "not_in"):
        return (read(value) in [read(w) for w in wanted]) == (op == "in")
    return bool(COMPARE[op](read(value), read(wanted)))
