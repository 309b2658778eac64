"""Org-unit trees: one view of the organisation each, to whose units people belong for a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.principals import circle
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class OrgUnitTreeDef:
    """A tree. ``units`` and ``sharing`` are the entries of the document."""

    name: str
    label: Label
    units: tuple[Document, ...]
    sharing: tuple[Document, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the tree was read."""
        return dict(self.document)


class OrgUnitTreeKind(Kind):
    """The kind ``org_unit_tree``."""

    name = "org_unit_tree"
    folder = "org_unit_trees"
    label = {"en": "org-unit tree", "zh": "组织树"}
    nouns = {"units": ("unit", "组织单元"), "sharing": ("sharing", "共享")}

    def read(self, document: Document) -> OrgUnitTreeDef:
        label = document.get("label", document["name"])
        sharing = tuple(document.get("sharing", ()))
        return OrgUnitTreeDef(document["name"], label, tuple(document["units"]), sharing, document)

    def references(self, document: Document) -> Iterator[Reference]:
        for index, entry in enumerate(document.get("sharing", ())):
            yield Reference(f"/sharing/{index}/name", "object", entry["name"])
        for index, unit in enumerate(document["units"]):
            if "calendar" in unit:
                yield Reference(f"/units/{index}/calendar", "calendar", unit["calendar"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        parents = {u["name"]: u.get("parent") for u in document["units"]}
        for index, unit in enumerate(document["units"]):
            parent = unit.get("parent")
            if parent is not None and parent not in parents:
                yield Diagnostic(
                    "unknown_unit",
                    f"/units/{index}/parent",
                    f"The tree has no unit '{parent}'.{did_you_mean(parent, parents)}",
                    "Name one of its units, or add the unit.",
                )
            found = circle(parents, unit["name"])
            if found:
                yield Diagnostic(
                    "circle",
                    f"/units/{index}/parent",
                    f"The units stand above each other in a circle: {' → '.join(found)}.",
                    "Give one of them no parent, or another one.",
                )


KIND = OrgUnitTreeKind()
