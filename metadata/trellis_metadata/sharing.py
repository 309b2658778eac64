"""Checks of what an object says about sharing: the reference that controls, and circles of control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Reference
from trellis_metadata.principals import circle
from trellis_metadata.relations import targets_of
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.context import Check

CONTROLLED = "controlled_by_parent"


def references(document: Document) -> Iterator[Reference]:
    """Yield the field that controls."""
    sharing = document.get("sharing", {})
    if "parent" in sharing:
        yield Reference("/sharing/parent", "object", document["name"], sharing["parent"])


def problems(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Yield what cannot be: control without a parent, by a field that is no reference, or in a circle."""
    sharing = document.get("sharing", {})
    controlled = sharing.get("default") == CONTROLLED
    if controlled and "parent" not in sharing:
        yield Diagnostic(
            "missing_parent", "/sharing/parent", "'parent' is missing.", "Name the reference whose record decides."
        )
    elif not controlled and "parent" in sharing:
        yield Diagnostic(
            "no_effect",
            "/sharing/parent",
            f"'parent' has no effect with the default '{sharing.get('default', 'private')}'.",
            f"Leave it out, or set the default to '{CONTROLLED}'.",
        )
    elif controlled:
        yield from _parent(document, context)


def _parent(document: Document, context: Check) -> Iterator[Diagnostic]:
    name = document["sharing"]["parent"]
    field = context.relations.fields(document["name"]).get(name)
    if field is None:
        return
    targets = targets_of(field, context.field_types.get(str(field.get("type"))))
    if len(targets) != 1:
        yield Diagnostic(
            "bad_parent",
            "/sharing/parent",
            f"Field '{name}' ({field.get('type')}) does not point at one other object.",
            "Name a lookup or master-detail field with one target.",
        )
        return
    found = circle(_parents(context.snapshot), document["name"])
    if found:
        yield Diagnostic(
            "circle",
            "/sharing/parent",
            f"The objects control each other in a circle: {' → '.join(found)}.",
            "Give one of them another default.",
        )


def _parents(snapshot: Snapshot) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for name, document in snapshot.of_kind("object").items():
        sharing: Mapping[str, Any] = document.get("sharing", {})
        if sharing.get("default") == CONTROLLED:
            field: Mapping[str, Any] = next((f for f in document["fields"] if f["name"] == sharing.get("parent")), {})
            target = field.get("target")
            found[name] = target if isinstance(target, str) else None
    return found
