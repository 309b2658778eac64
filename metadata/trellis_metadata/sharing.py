"""Checks of what an object says about sharing: the reference that controls, and circles of control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Reference
from trellis_metadata.relations import targets_of
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.context import Check

CONTROLLED = "controlled_by_parent"
ITSELF = "id"
"""In ``portal``: the record that the portal user belongs to."""


def references(document: Document) -> Iterator[Reference]:
    """Yield the field that controls, and those that lead to the record of a portal user."""
    sharing = document.get("sharing", {})
    if "parent" in sharing:
        yield Reference("/sharing/parent", "object", document["name"], sharing["parent"])
    for index, name in enumerate(sharing.get("portal", ())):
        if name != ITSELF:
            yield Reference(f"/sharing/portal/{index}", "object", document["name"], name)


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
    yield from _portal(document, context)


def _portal(document: Document, context: Check) -> Iterator[Diagnostic]:
    fields = context.relations.fields(document["name"])
    for index, name in enumerate(document.get("sharing", {}).get("portal", ())):
        field = fields.get(name)
        if field is not None and not targets_of(field, context.field_types.get(str(field.get("type")))):
            yield Diagnostic(
                "bad_portal",
                f"/sharing/portal/{index}",
                f"Field '{name}' ({field.get('type')}) does not point at another object.",
                "Name references, or 'id' for the record that a portal user belongs to.",
            )


def _parent(document: Document, context: Check) -> Iterator[Diagnostic]:
    name = document["sharing"]["parent"]
    field = context.relations.fields(document["name"]).get(name)
    if field is None:
        return
    targets = targets_of(field, context.field_types.get(str(field.get("type"))))
    if not targets:
        yield Diagnostic(
            "bad_parent",
            "/sharing/parent",
            f"Field '{name}' ({field.get('type')}) does not point at another object.",
            "Name a lookup or master-detail field.",
        )
        return
    found = _circle(_parents(context.snapshot), document["name"])
    if found:
        yield Diagnostic(
            "circle",
            "/sharing/parent",
            f"The objects control each other in a circle: {' → '.join(found)}.",
            "Give one of them another default.",
        )


def _parents(snapshot: Snapshot) -> Mapping[str, Sequence[str]]:
    """Return, for each object that others control, the objects of which they may be."""
    found: dict[str, Sequence[str]] = {}
    for name, document in snapshot.of_kind("object").items():
        sharing: Mapping[str, Any] = document.get("sharing", {})
        if sharing.get("default") == CONTROLLED:
            field: Mapping[str, Any] = next((f for f in document["fields"] if f["name"] == sharing.get("parent")), {})
            target = field.get("target")
            found[name] = [target] if isinstance(target, str) else list(target or ())
    return found


def _circle(parents: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """Return a way from ``start`` over its parents back to itself, or an empty list."""
    ways, seen = [[start]], set()
    while ways:
        way = ways.pop()
        for name in parents.get(way[-1], ()):
            if name == start:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []
