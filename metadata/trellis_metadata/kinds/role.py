"""Roles: the tree of people in which those above reach what those below have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.principals import circle
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class RoleDef:
    """A role. ``parent`` is the role above; None for one at the top."""

    name: str
    label: Label
    parent: str | None
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the role was read."""
        return dict(self.document)


class RoleKind(Kind):
    """The kind ``role``."""

    name = "role"
    folder = "roles"
    label = {"en": "role", "zh": "角色"}

    def read(self, document: Document) -> RoleDef:
        return RoleDef(document["name"], document.get("label", document["name"]), document.get("parent"), document)

    def references(self, document: Document) -> Iterator[Reference]:
        if "parent" in document:
            yield Reference("/parent", "role", document["parent"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        parents = {name: d.get("parent") for name, d in snapshot.of_kind("role").items()}
        found = circle(parents, document["name"])
        if found:
            yield Diagnostic(
                "circle",
                "/parent",
                f"The roles stand above each other in a circle: {' → '.join(found)}.",
                "Give one of them no parent, or another one.",
            )


KIND = RoleKind()
