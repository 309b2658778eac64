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
    from trellis_metadata.language import Check, Language


@dataclass(frozen=True, slots=True)
class Setting:
    """A key that names a field: the types of list view that it belongs to, and the types of field that it may name.

    Without ``fields`` any field will do that a list can be put in order by.
    """

    views: tuple[str, ...]
    fields: tuple[str, ...] = ()


_CHOICES = ("stage", "picklist")
SETTINGS: Mapping[str, Setting] = {
    "group_by": Setting(("list", "board")),
    "lanes": Setting(("board",), ("user", *_CHOICES)),
    "date": Setting(("calendar",), ("date", "datetime")),
    "image": Setting(("gallery",), ("image",)),
    "parent": Setting(("tree",), ("lookup",)),
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "board": _CHOICES,
    "calendar": SETTINGS["date"].fields,
    "gallery": SETTINGS["image"].fields,
    "tree": SETTINGS["parent"].fields,
}
"""The field types of which the object of a view must have one."""


@dataclass(frozen=True, slots=True)
class ListViewDef:
    """A list view. ``filter`` is a tree or the text of a formula; ``sort`` holds field paths and directions (``asc``, ``desc``).

    ``type`` is how the records are shown; ``settings`` are the fields that it uses (``group_by``, ``lanes`` …), by key.
    """

    name: str
    label: Label
    object: str
    columns: tuple[str, ...]
    filter: Mapping[str, Any] | str | None
    sort: tuple[tuple[str, str], ...]
    shared: bool
    type: str
    settings: Mapping[str, str]
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
            document.get("type", "list"),
            {key: document[key] for key in SETTINGS if key in document},
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        name = document["object"]
        yield Reference("/object", "object", name)
        for index, path in enumerate(document["columns"]):
            yield Reference(f"/columns/{index}", "object", name, path)
        for index, key in enumerate(document.get("sort", ())):
            yield Reference(f"/sort/{index}/field", "object", name, key["field"])
        for key in SETTINGS:
            if key in document:
                yield Reference(f"/{key}", "object", name, document[key])

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
        yield from _check_settings(document, context)


def _check_settings(document: Document, context: Check) -> Iterator[Diagnostic]:
    """Yield settings that the type of the view does not have, or that name fields which do not fit."""
    shown, name = document.get("type", "list"), document["object"]
    for key, setting in SETTINGS.items():
        if key not in document:
            continue
        if shown not in setting.views:
            wanted = " or ".join(f"'{v}'" for v in setting.views)
            yield Diagnostic(
                "setting_without_effect",
                f"/{key}",
                f"'{key}' has no effect in a view of type '{shown}': it belongs to {wanted}.",
                f"Remove '{key}', or change 'type'.",
            )
            continue
        found = context.relations.resolve(name, document[key])
        if isinstance(found, Found) and not _fits(key, found, shown, name):
            expected = _CHOICES if key == "group_by" and shown == "board" else setting.fields
            words = " or ".join(expected) or "a field with one comparable value"
            if key == "parent":
                words = f"lookup to '{name}'"
            yield Diagnostic(
                "field_does_not_fit",
                f"/{key}",
                f"Field '{document[key]}' is {found.type}, expected {words}.",
                "Name another field.",
            )
    needed = NEEDED.get(shown, ())
    fields = context.relations.fields(name).values()
    if needed and not any(_is_needed(shown, name, f) for f in fields):
        yield Diagnostic(
            "object_does_not_fit",
            "/type",
            f"Object '{name}' has no field for a view of type '{shown}': it needs one of type {' or '.join(needed)}"
            + (" to itself." if shown == "tree" else "."),
            "Add such a field to the object, or choose another type.",
        )


def _fits(key: str, found: Found, shown: str, name: str) -> bool:
    if key == "group_by" and shown == "list":
        return found.category not in ("opaque", "choices")
    if key == "parent":
        return found.type == "lookup" and _targets(found.document or {}) == (name,)
    return found.type in (_CHOICES if key == "group_by" else SETTINGS[key].fields)


def _is_needed(shown: str, name: str, field: Mapping[str, Any]) -> bool:
    if shown == "tree":
        return field.get("type") == "lookup" and _targets(field) == (name,)
    return field.get("type") in NEEDED[shown]


def _targets(field: Mapping[str, Any]) -> tuple[str, ...]:
    target = field.get("target")
    return (target,) if isinstance(target, str) else tuple(target or ())


KIND = ListViewKind()
