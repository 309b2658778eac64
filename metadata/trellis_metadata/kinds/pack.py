"""Packs: what an industry pack is called, which version it is and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class PackDef:
    """A pack. ``requires`` maps the name of a pack to the accepted versions (None: any)."""

    name: str
    label: Label
    version: str
    prefix: str | None
    requires: Mapping[str, str | None]
    permissions: tuple[str, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the pack was read."""
        return dict(self.document)


class PackKind(Kind):
    """The kind ``pack``. Whether the required packs are there is asked at installation, not here."""

    name = "pack"
    folder = "packs"
    label = {"en": "pack", "zh": "行业包"}
    nouns = {"requires": ("required pack", "依赖包")}

    def read(self, document: Document) -> PackDef:
        requires = {entry["name"]: entry.get("version") for entry in document.get("requires", ())}
        return PackDef(
            document["name"],
            document["label"],
            document["version"],
            document.get("prefix"),
            requires,
            tuple(document.get("permissions", ())),
            document,
        )

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        for index, entry in enumerate(document.get("requires", ())):
            if entry["name"] == document["name"]:
                yield Diagnostic(
                    "requires_itself", f"/requires/{index}/name", "The pack requires itself.", "Remove the entry."
                )


KIND = PackKind()
