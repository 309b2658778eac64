"""Stubs: what stands in for a document of a wrong shape while others are judged: one mistake is reported once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.snapshot import Document

_UNKNOWN_TYPE = ""


def stub(document: Mapping[str, Any], found: Iterable[Diagnostic]) -> Document:
    """Return kind, name and the named entries of ``document`` that have the right shape.

    Fields of a wrong shape keep their name and get a type that nothing is known of: paths through them are not judged.
    """
    places = {d.pointer for d in found}
    result: dict[str, Any] = {"kind": document["kind"], "name": document["name"]}
    for key in ("fields", "options"):
        entries = document.get(key)
        if isinstance(entries, list):
            result[key] = _entries(entries, f"/{key}", places)
    return result


def _entries(entries: list[Any], pointer: str, places: set[str]) -> list[dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            continue
        at = f"{pointer}/{index}"
        wrong = any(place == at or place.startswith(f"{at}/") for place in places)
        result.setdefault(entry["name"], {"name": entry["name"], "type": _UNKNOWN_TYPE} if wrong else entry)
    return list(result.values())
