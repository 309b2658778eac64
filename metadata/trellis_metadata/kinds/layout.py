"""Page layouts: how a record's page is arranged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.relations import Missing
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Check, Language


@dataclass(frozen=True, slots=True)
class SectionDef:
    """A part of the form: rows of field paths, None for a blank cell."""

    name: str
    columns: int
    cells: tuple[tuple[str | None, ...], ...]
    document: Document


@dataclass(frozen=True, slots=True)
class LayoutDef:
    """A page layout."""

    name: str
    object: str
    sections: tuple[SectionDef, ...]
    related: tuple[Document, ...]
    highlights: tuple[str, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the layout was read."""
        return dict(self.document)


class LayoutKind(Kind):
    """The kind ``layout``."""

    name = "layout"
    folder = "layouts"
    label = {"en": "page layout", "zh": "页面布局"}
    nouns = {"sections": ("section", "分区"), "related": ("related list", "相关列表")}

    def read(self, document: Document) -> LayoutDef:
        sections = tuple(
            SectionDef(s["name"], s.get("columns", 2), tuple(map(tuple, s["cells"])), s) for s in document["sections"]
        )
        return LayoutDef(
            document["name"],
            document["object"],
            sections,
            tuple(document.get("related", ())),
            tuple(document.get("highlights", ())),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        name = document["object"]
        yield Reference("/object", "object", name)
        for pointer, path in _cells(document):
            yield Reference(pointer, "object", name, path)
        for index, path in enumerate(document.get("highlights", ())):
            yield Reference(f"/highlights/{index}", "object", name, path)

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        yield from _rows(document)
        yield from _repeated(document)
        for index, related in enumerate(document.get("related", ())):
            yield from _related(document["object"], related, f"/related/{index}", context)


def _cells(document: Document) -> Iterator[tuple[str, str]]:
    for s, section in enumerate(document["sections"]):
        for r, row in enumerate(section["cells"]):
            for c, path in enumerate(row):
                if path is not None:
                    yield f"/sections/{s}/cells/{r}/{c}", path


def _rows(document: Document) -> Iterator[Diagnostic]:
    for s, section in enumerate(document["sections"]):
        columns = section.get("columns", 2)
        for r, row in enumerate(section["cells"]):
            if len(row) > columns:
                yield Diagnostic(
                    "row_too_long",
                    f"/sections/{s}/cells/{r}",
                    f"The row has {len(row)} cells, the section has {columns} columns.",
                    "Move a cell to the next row or set 'columns'.",
                )


def _repeated(document: Document) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for pointer, path in _cells(document):
        if path in seen:
            yield Diagnostic(
                "duplicate_cell", pointer, f"Field '{path}' already stands at {seen[path]}.", "Remove one of the cells."
            )
        seen.setdefault(path, pointer)


def _related(object_name: str, related: Document, pointer: str, context: Check) -> Iterator[Diagnostic]:
    if not context.relations.has_object(object_name):
        return
    children = context.children(object_name)
    if related["name"] not in children:
        if not context.has_broken_objects:
            yield Diagnostic(
                "unknown_relationship",
                f"{pointer}/name",
                f"Object '{object_name}' has no child list '{related['name']}'."
                + did_you_mean(related["name"], children),
                "Name the 'relationship' of a lookup or master_detail field that points to the object.",
            )
        return
    child = children[related["name"]][0][0]
    places = [(f"{pointer}/columns/{i}", path) for i, path in enumerate(related["columns"])]
    places += [(f"{pointer}/sort/{i}/field", key["field"]) for i, key in enumerate(related.get("sort", ()))]
    for place, path in places:
        found = context.relations.resolve(child, path)
        if isinstance(found, Missing) and not context.is_broken("object", child):
            yield Diagnostic("unknown_field", place, found.message)


KIND = LayoutKind()
