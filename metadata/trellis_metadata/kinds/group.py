"""Groups: people who are given access together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import principals
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.dependencies import find_cycle
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class GroupDef:
    """A group. ``members`` are the principals that belong to it by rule."""

    name: str
    label: Label
    members: tuple[Mapping[str, Any], ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the group was read."""
        return dict(self.document)


class GroupKind(Kind):
    """The kind ``group``."""

    name = "group"
    folder = "groups"
    label = {"en": "group", "zh": "群组"}

    def read(self, document: Document) -> GroupDef:
        return GroupDef(
            document["name"], document.get("label", document["name"]), tuple(document.get("members", ())), document
        )

    def references(self, document: Document) -> Iterator[Reference]:
        yield from principals.references(document.get("members", ()), "/members")

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        yield from principals.check(document.get("members", ()), "/members", snapshot)
        found = find_cycle(
            {
                name: [m["group"] for m in d.get("members", ()) if "group" in m]
                for name, d in snapshot.of_kind("group").items()
            }
        )
        if found and document["name"] in found:
            yield Diagnostic(
                "circle",
                "/members",
                f"The groups contain each other in a circle: {' → '.join(found)}.",
                "Take one of them out of the other.",
            )


KIND = GroupKind()
