"""The documents that every tenant has: system objects described in the language itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def core_documents() -> tuple[dict[str, Any], ...]:
    """Return the documents of the ``core`` layer."""
    folder = Path(__file__).parent
    return tuple(json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.json")))
