"""JSONVALUE"""

from __future__ import annotations

import json
from typing import Any

from trellis.formula.function import Function
from trellis.formula.json_paths import scalar
from trellis.formula.values import fail


def jsonvalue(text: str, key: str) -> str | None:
    """Return the scalar at a top-level key."""
    try:
        document: Any = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        fail("evaluation", "The text is not JSON.")
    return scalar(document.get(key)) if isinstance(document, dict) else None


FUNCTION = Function(
    "JSONVALUE",
    ("text, text -> text",),
    "The value at a key of a JSON object; blank when it is absent; an error when the text is not JSON.",
    "text",
    python=jsonvalue,
    refused="JSONVALUE has no exact SQL",
    examples=(("JSONVALUE('{\\\"a\\\": 5}', 'a')", '"5"'),),
)
