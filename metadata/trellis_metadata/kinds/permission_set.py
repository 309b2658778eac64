"""Permission sets: rights on objects and fields, which add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.dependencies import find_cycle
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language

NEEDS = {
    "edit": "read",
    "delete": "read",
    "export": "read",
    "share": "read",
    "view_all": "read",
    "edit_all": "edit",
    "mass_update": "edit",
    "transfer": "edit",
    "import": "create",
}
"""Rights that mean nothing without another one."""


@dataclass(frozen=True, slots=True)
class PermissionSetDef:
    """A permission set. ``objects`` are the entries of the document."""

    name: str
    label: Label
    includes: tuple[str, ...]
    every_object: frozenset[str]
    objects: tuple[Document, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the set was read."""
        return dict(self.document)


class PermissionSetKind(Kind):
    """The kind ``permission_set``."""

    name = "permission_set"
    folder = "permission_sets"
    label = {"en": "permission set", "zh": "权限集"}
    nouns = {"objects": ("object rights", "对象权限"), "fields": ("field rights", "字段权限")}

    def read(self, document: Document) -> PermissionSetDef:
        return PermissionSetDef(
            document["name"],
            document.get("label", document["name"]),
            tuple(document.get("includes", ())),
            frozenset(document.get("every_object", ())),
            tuple(document.get("objects", ())),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        for index, name in enumerate(document.get("includes", ())):
            yield Reference(f"/includes/{index}", "permission_set", name)
        for index, entry in enumerate(document.get("objects", ())):
            yield Reference(f"/objects/{index}/name", "object", entry["name"])
            for place, field in enumerate(entry.get("fields", ())):
                yield Reference(f"/objects/{index}/fields/{place}/name", "object", entry["name"], field["name"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        yield from _needed(document.get("every_object", ()), "/every_object")
        for index, entry in enumerate(document.get("objects", ())):
            granted = [*entry.get("rights", ()), *document.get("every_object", ())]
            yield from _needed(entry.get("rights", ()), f"/objects/{index}/rights", granted)
            yield from _record_types(entry, f"/objects/{index}/record_types", snapshot)
        found = find_cycle({name: d.get("includes", ()) for name, d in snapshot.of_kind("permission_set").items()})
        if found and document["name"] in found:
            yield Diagnostic(
                "circle",
                "/includes",
                f"The permission sets include each other in a circle: {' → '.join(found)}.",
                "Take one of them out of the other.",
            )


def _needed(rights: Any, pointer: str, granted: Any = None) -> Iterator[Diagnostic]:
    for index, right in enumerate(rights):
        needed = NEEDS.get(right)
        if needed is not None and needed not in (granted or rights):
            yield Diagnostic(
                "missing_right",
                f"{pointer}/{index}",
                f"The right '{right}' means nothing without '{needed}'.",
                f"Add '{needed}' or leave '{right}' out.",
            )


def _record_types(entry: Document, pointer: str, snapshot: Snapshot) -> Iterator[Diagnostic]:
    owner = snapshot.get("object", entry["name"])
    known = [t["name"] for t in owner.get("record_types", ())] if owner else []
    for index, name in enumerate(entry.get("record_types", ())):
        if owner and name not in known:
            yield Diagnostic(
                "unknown_record_type",
                f"{pointer}/{index}",
                f"'{name}' is not a record type of '{entry['name']}'.{did_you_mean(name, known)}",
                f"Record types: {', '.join(known) or 'none'}.",
            )


KIND = PermissionSetKind()
