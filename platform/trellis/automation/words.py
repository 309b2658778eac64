"""Values as traces keep them and as texts show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from trellis.formula import ErrorValue

LONGEST = 300
"""Characters that a trace keeps of one value."""


def as_json(value: Any) -> Any:
    """Return a value that formulas see as JSON; long texts are cut."""
    match value:
        case None | bool() | int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case tuple() | list():
            return [as_json(v) for v in value]
        case ErrorValue():
            return {"error": value.message}
        case _:
            return str(value)[:LONGEST]


def as_text(value: Any) -> str:
    """Return a value inside a text for people; nothing for a blank."""
    match value:
        case None | ErrorValue():
            return ""
        case bool():
            return "✓" if value else "✗"
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M UTC")
        case date() | time():
            return value.isoformat()
        case tuple() | list():
            return ", ".join(as_text(v) for v in value)
        case _:
            return str(value)


def told(errors: Mapping[str, Any]) -> str:
    """Return the refusals of a record as one sentence per reason."""
    found = []
    for name, entries in errors.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            message = entry.get("message", "") if isinstance(entry, Mapping) else str(entry)
            found.append(message if name == "_record" else f"{name}: {message}")
    return " ".join(found) or "It was refused."
