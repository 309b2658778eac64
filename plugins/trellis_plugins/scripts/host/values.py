"""Values from a worker, read strictly: anything that is not one of the known forms raises ``ValueError``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

MAX_DEPTH = 45


def plain(raw: Any, depth: int = 0) -> Any:
    """Return the JSON form that fields read: decimals, dates and moments as texts. Raises ``ValueError``."""
    if depth > MAX_DEPTH:
        raise ValueError("a value is nested too deep")
    if raw is None or isinstance(raw, (bool, int, float)):
        return raw
    if isinstance(raw, str):
        if "\0" in raw:
            raise ValueError("a text holds a NUL character")
        return raw
    if isinstance(raw, list):
        return [plain(v, depth + 1) for v in raw]
    if isinstance(raw, dict):
        if "$" in raw:
            return _tagged(raw, depth)
        if any(k.startswith("$") for k in raw):
            raise ValueError("a key begins with '$'")
        return {k: plain(v, depth + 1) for k, v in raw.items()}
    raise ValueError(f"not a value: {type(raw).__name__}")


def _tagged(raw: Mapping[str, Any], depth: int) -> Any:
    if set(raw) != {"$", "v"}:
        raise ValueError("not a tagged value")
    kind, value = raw["$"], raw["v"]
    if kind == "o":
        if not isinstance(value, list) or any(not isinstance(p, list) or len(p) != 2 for p in value):
            raise ValueError("not a mapping")
        return {str(plain(k, depth + 1)): plain(v, depth + 1) for k, v in value}
    if kind == "u" and isinstance(value, (int, float)):
        return f"PT{value:g}S" if value >= 0 else f"-PT{-value:g}S"
    if not isinstance(value, str) or len(value) > 6_000:
        raise ValueError("not a tagged value")
    if kind == "i":
        return int(value)
    if kind == "n":
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 10_000:
            raise ValueError("not a number that can be stored")
        return format(number, "f") if abs(number.adjusted()) < 100 else str(number)
    if kind == "t":
        return datetime.fromisoformat(value).isoformat().replace("+00:00", "Z")
    if kind == "d":
        return date.fromisoformat(value).isoformat()
    if kind == "h":
        return time.fromisoformat(value).isoformat()
    raise ValueError(f"not a tagged value: '{str(kind)[:10]}'")
