"""What a list on screen is about: its view, query and columns, how its records are shown and by which field they are grouped.

A view of metadata or a saved one begins it; the address of the page goes before both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g

from trellis.model import FieldModel, ObjectModel
from trellis.query import Query, Sort
from trellis.query.formula_columns import refusal_of
from trellis_admin.i18n import language
from trellis_admin.list_state import ListState
from trellis_admin.reading import FieldRef, field_ref, field_refs
from trellis_admin.view_choices import saved_documents
from trellis_metadata.filters import tree_of
from trellis_metadata.labels import text_of

PAGE_ROWS = 50
DEFAULT_COLUMNS = 8
LIST = "list"
NOTHING = "none"
"""In the address: not by the field that the view names."""
NOT_IN_LISTS = frozenset({"long_text", "rich_text", "json", "secret", "file"})


@dataclass(frozen=True)
class Shown:
    """A list on screen. ``query`` asks for its first rows, ``refs`` are its columns, ``shape`` names a display."""

    root: ObjectModel
    state: ListState
    views: Sequence[Mapping[str, Any]]
    view: Mapping[str, Any] | None
    query: Query
    refs: Sequence[FieldRef]

    @property
    def shape(self) -> str:
        """How the address or the view wants the records shown."""
        return self.state.shape or (self.view or {}).get("type", LIST)

    def setting(self, key: str, chosen: str = "") -> str:
        """Return the field that the address names, else the view's; empty when neither does."""
        return "" if chosen == NOTHING else chosen or (self.view or {}).get(key, "")

    def field(self, key: str, chosen: str = "") -> FieldModel | None:
        """Return the own field that the address or the view names, if the person may read it."""
        path = self.setting(key, chosen)
        ref = field_ref(self.root, path) if path and "." not in path else None
        return ref.model if ref is not None else None

    @property
    def view_name(self) -> str:
        return self.view["name"] if self.view else ""

    def tabs(self) -> list[tuple[str, str]]:
        """Return name and label of every view."""
        code = language().code
        return [(v["name"], text_of(v.get("label"), code, v["name"])) for v in self.views]


def shown_of(root: ObjectModel, state: ListState) -> Shown:
    """Return what the address of a list asks for."""
    views = [*views_of(root.name), *saved_documents(root.name)]
    view = next((v for v in views if v["name"] == state.view), views[0] if views else None)
    refs = field_refs(root, view["columns"]) if view else default_columns(root)
    refs = field_refs(root, state.columns) or refs
    query = Query(
        root.name,
        tuple(f.path for f in refs),
        state.filter_tree(tree_of(view.get("filter")) if view else None),
        _sorts(root, state, view),
        PAGE_ROWS,
        state.after or None,
        state.search or None,
        total="estimate",
    )
    return Shown(root, state, views, view, query, refs)


def views_of(name: str) -> list[Mapping[str, Any]]:
    """Return the list views of an object that everybody sees."""
    return [d for d in g.model.display.of_kind("list_view").values() if d["object"] == name and d.get("shared", True)]


def default_columns(root: ObjectModel) -> list[FieldRef]:
    """Return the columns of an object without a list view: its name, then its first fields that fit in a cell."""
    first = [root.name_field] if root.name_field else []
    rest = [f.name for f in root.fields.values() if f.doc["type"] not in NOT_IN_LISTS and f.name not in first]
    return field_refs(root, [*first, *rest[: DEFAULT_COLUMNS - 1], "owner"])


def _sorts(root: ObjectModel, state: ListState, view: Mapping[str, Any] | None) -> tuple[Sort, ...]:
    chosen = tuple(Sort(path, descending) for path, descending in state.sorts if field_ref(root, path))
    if chosen:
        return chosen
    asked = view.get("sort", ()) if view else ()
    return tuple(Sort(s["field"], s.get("direction") == "desc") for s in asked) or (Sort("modified_at", True),)


def can_query(root: ObjectModel, field: FieldModel) -> bool:
    """Whether records can be filtered by a field: not by a formula that the database cannot compute."""
    return field.stored or refusal_of(g.tenant, g.model, root, field.name) is None


def can_sort(root: ObjectModel, path: str) -> bool:
    """Whether records can be put in order, or into groups, by a field."""
    ref = field_ref(root, path)
    if ref is None or ref.model.category in ("opaque", "choices"):
        return False
    return ref.model.stored or refusal_of(g.tenant, g.model, root, path) is None


def narrowed(query: Query, *conditions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the filter of a query and more conditions together."""
    own = [query.filter] if query.filter else []
    return {"and": [*own, *conditions]}


def is_value(path: str, value: Any) -> Mapping[str, Any]:
    """Return the condition that a field has a value (None: that it is blank)."""
    return {"field": path, "op": "is_blank"} if value is None else {"field": path, "op": "=", "value": value}


def groupable(root: ObjectModel) -> list[tuple[str, str]]:
    """Return name and label of the own fields by which people put a list into groups."""
    code = language().code
    kinds = ("choice", "reference", "boolean", "date")
    return [
        (f.name, f.label(code))
        for f in root.all_fields
        if f.category in kinds and f.is_shown and f.name not in ("deleted_at",) and can_sort(root, f.name)
    ]


FIELD_OF = {"list": "group_by", "board": "group_by", "calendar": "date", "gallery": "image", "tree": "parent"}
"""The setting that the address calls ``by``, for each way to show records."""


def settings_of(shown: Shown) -> dict[str, str]:
    """Return how the records on screen are shown, as a view keeps it."""
    made = {"type": shown.shape}
    by = shown.setting(FIELD_OF.get(shown.shape, "group_by"), shown.state.by)
    lanes = shown.setting("lanes", shown.state.lanes) if shown.shape == "board" else ""
    return {
        **made,
        **({FIELD_OF[shown.shape]: by} if by and shown.shape in FIELD_OF else {}),
        **({"lanes": lanes} if lanes else {}),
    }
