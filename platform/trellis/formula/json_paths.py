"""Reading one scalar out of a JSON text."""

from __future__ import annotations

import json
import re
from typing import Any

_STEP = re.compile(r"""\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]""")


def scalar(value: Any) -> str | None:
    """Return a JSON scalar as text; objects and lists are not scalars."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def jsonpathvalue(text: str, path: str) -> str | None:
    """Return the scalar at a path such as ``$.a[0].b``; a bad path, a bad text or nothing there is a blank."""
    try:
        value: Any = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    at = len("$") if path.startswith("$") else 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        value = _descend(value, step)
        at = step.end()
    return scalar(value)


def _descend(value: Any, step: re.Match[str]) -> Any:
    name = step[1] or step[3] or step[4]
    if name is not None:
        return value.get(name) if isinstance(value, dict) else None
    index = int(step[2])
    return value[index] if isinstance(value, list) and index < len(value) else None
