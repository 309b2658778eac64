"""List views: saved lists with columns, filter and order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata import filters
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class ListViewDef:
    """A list view. ``filter`` is a tree or the text of a formula; ``sort`` holds field paths and directions (``asc``, ``desc``)."""

    name: str
    label: Label
    object: str
    columns: tuple[str, ...]
    filter: Mapping[str, Any] | str | None
    sort: tuple[tuple[str, str], ...]
    shared: bool
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the list view was read."""
        return dict(self.document)


class ListViewKind(Kind):
    """The kind ``list_view``."""

    name = "list_view"
    folder = "list_views"
    label = {"en": "list view", "zh": "列表视图"}

    def read(self, document: Document) -> ListViewDef:
        sort = tuple((key["field"], key.get("direction", "asc")) for key in document.get("sort", ()))
        return ListViewDef(
            document["name"],
            document.get("label", document["name"]),
            document["object"],
            tuple(document["columns"]),
            document.get("filter"),
            sort,
            document.get("shared", False),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        name = document["object"]
        yield Reference("/object", "object", name)
        for index, path in enumerate(document["columns"]):
            yield Reference(f"/columns/{index}", "object", name, path)
        for index, key in enumerate(document.get("sort", ())):
            yield Reference(f"/sort/{index}/field", "object", name, key["field"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        if not context.relations.has_object(document["object"]):
            return
        if "filter" in document:
            yield from filters.check(document["filter"], document["object"], "/filter", context)
        for index, key in enumerate(document.get("sort", ())):
            found = context.relations.resolve(document["object"], key["field"])
            if isinstance(found, Found) and found.category in ("opaque", "choices"):
                yield Diagnostic(
                    "not_sortable",
                    f"/sort/{index}/field",
                    f"Lists cannot be sorted by field '{key['field']}' ({found.type}).",
                    "Sort by another field.",
                )


KIND = ListViewKind()
