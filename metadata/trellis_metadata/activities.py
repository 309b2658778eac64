"""Checks of what an object says about its records as activities: when they take place, their text, which are open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata import filters
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Reference
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document

if TYPE_CHECKING:
    from trellis_metadata.context import Check

MOMENTS, TEXTS = ("date", "datetime"), ("text", "long_text", "rich_text")
_AT = "/features/activity"


def activity_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what an object document says of its records as activities; None where they are none."""
    found: Mapping[str, Any] | None = document.get("features", {}).get("activity")
    return found


def references(document: Document) -> Iterator[Reference]:
    """Yield the fields that are named."""
    for key in ("at", "text"):
        if key in (activity_of(document) or {}):
            yield Reference(f"{_AT}/{key}", "object", document["name"], document["features"]["activity"][key])
    for name in (activity_of(document) or {}).get("done", ()):
        yield Reference(f"{_AT}/done/{name}", "object", document["name"], name)


def problems(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Yield fields of a type that does not fit, and what is wrong with the filter."""
    activity = activity_of(document)
    if activity is None:
        return
    for key, types, word in (("at", MOMENTS, "a date or moment"), ("text", TEXTS, "a text")):
        found = context.relations.resolve(document["name"], activity[key]) if key in activity else None
        if isinstance(found, Found) and found.type not in types:
            yield Diagnostic(
                "field_does_not_fit",
                f"{_AT}/{key}",
                f"Field '{activity[key]}' is {found.type}, expected {word} ({', '.join(types)}).",
                "Name another field.",
            )
    for name in activity.get("done", ()):
        found = context.relations.resolve(document["name"], name)
        if isinstance(found, Found) and (found.document is None or not context.is_stored(found.type)):
            yield Diagnostic(
                "field_does_not_fit",
                f"{_AT}/done/{name}",
                f"Field '{name}' cannot be set.",
                "Name a field that people enter.",
            )
    if "open" in activity:
        yield from filters.check(activity["open"], document["name"], f"{_AT}/open", context)
