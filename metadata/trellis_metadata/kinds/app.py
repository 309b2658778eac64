"""Apps: objects and list views that belong to one job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document


@dataclass(frozen=True, slots=True)
class AppItem:
    """An entry of the navigation. ``kind`` is ``object`` or ``list_view``."""

    kind: str
    name: str
    label: Label | None


@dataclass(frozen=True, slots=True)
class AppDef:
    """An app."""

    name: str
    label: Label
    icon: str | None
    items: tuple[AppItem, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the app was read."""
        return dict(self.document)


class AppKind(Kind):
    """The kind ``app``."""

    name = "app"
    folder = "apps"
    label = {"en": "app", "zh": "应用"}

    def read(self, document: Document) -> AppDef:
        items = tuple(
            AppItem(kind, item[kind], item.get("label"))
            for item in document["items"]
            for kind in ("object", "list_view")
            if kind in item
        )
        return AppDef(document["name"], document.get("label", document["name"]), document.get("icon"), items, document)

    def references(self, document: Document) -> Iterator[Reference]:
        for index, item in enumerate(document["items"]):
            for kind in ("object", "list_view"):
                if kind in item:
                    yield Reference(f"/items/{index}/{kind}", kind, item[kind])


KIND = AppKind()
