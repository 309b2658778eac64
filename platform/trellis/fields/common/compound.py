"""Compound values: a frozen dataclass of parts, one column each beside the main column.

The text form for files is what people read where that can be read back to the same value, else the JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from trellis.fields.base import InvalidValue
from trellis.fields.common.problems import invalid


def json_object(text: str, expected: str) -> Mapping[str, Any] | None:
    """Return the object that ``text`` writes in JSON, None when ``text`` does not begin with a brace."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("bad_format", text, expected) from None
    return found if isinstance(found, Mapping) else None


def readable_or_json(
    show: Callable[[Any], str], read: Callable[[str], Any], to_json: Callable[[Any], Any]
) -> Callable[[Any], str]:
    """Return the writer that prefers ``show`` and falls back to JSON where ``read`` would not give the value back."""

    def write(value: Any) -> str:
        text = show(value)
        try:
            same = read(text) == value
        except InvalidValue:
            same = False
        return text if same else json.dumps(to_json(value), ensure_ascii=False)

    return write


def object_schema(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON Schema of an object of nullable parts. A blank text is the blank value."""
    properties = {name: {**schema, "type": [*_types(schema), "null"]} for name, schema in parts.items()}
    return {"type": ["object", "string"], "properties": properties, "additionalProperties": False, "pattern": r"^\s*$"}


def _types(schema: Mapping[str, Any]) -> list[str]:
    kind = schema["type"]
    return [kind] if isinstance(kind, str) else list(kind)
