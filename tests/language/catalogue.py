"""Metadata documents that must be refused, as data: what is wrong, with which code, and where.

A value ``{"$build": …}`` stands for one that is too large to write down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "broken_documents.json"


@dataclass(frozen=True)
class Case:
    """One entry of the catalogue. ``expect`` holds pairs of code and pointer; ``built`` ones are large."""

    name: str
    documents: list[Any]
    expect: frozenset[tuple[str, str]]
    built: bool


def load_broken_documents() -> list[Case]:
    """Return the catalogue."""
    return [
        Case(
            entry["name"],
            _built(entry["documents"]) if entry.get("build") else entry["documents"],
            frozenset((e["code"], e["pointer"]) for e in entry["expect"]),
            bool(entry.get("build")),
        )
        for entry in json.loads(FILE.read_text(encoding="utf-8"))
    ]


def _built(value: Any) -> Any:
    if isinstance(value, list):
        return [_built(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$build" in value:
        (recipe, amount), *_ = value["$build"].items()
        return _RECIPES[recipe](amount)
    return {key: _built(part) for key, part in value.items()}


def _nested(depth: int, wrap: Any) -> Any:
    value: Any = wrap(None)
    for _ in range(depth - 1):
        value = wrap(value)
    return value


_RECIPES: dict[str, Any] = {
    "digits": lambda n: 10 ** (n - 1),
    "number": float,
    "text": lambda n: "x" * n,
    "zeros": lambda n: [0] * n,
    "lists": lambda n: _nested(n, lambda inner: [inner]),
    "nots": lambda n: _nested(n, lambda inner: {"not": inner}),
}
