"""What a person chooses about a list: its columns, and views saved for himself or for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g

from trellis.model import ObjectModel
from trellis.saved_views import views_for
from trellis_admin.i18n import language
from trellis_admin.reading import FieldRef, field_ref

PREFIX = "saved-"
"""Begins the name of a saved view in addresses; names of list views in metadata have no hyphen."""
HIDDEN = frozenset({"long_text", "rich_text", "json", "secret", "file"})


def saved_documents(name: str) -> list[Mapping[str, Any]]:
    """Return the saved views of an object that the person sees, in the form of list views."""
    with g.tenant.database.reading() as connection:
        found = views_for(connection, g.person, name)
    return [
        {
            "name": f"{PREFIX}{view.id}",
            "label": view.label,
            "object": view.object,
            "columns": list(view.columns),
            "filter": view.filter,
            "sort": [
                {"field": s.removeprefix("-"), "direction": "desc" if s.startswith("-") else "asc"} for s in view.sort
            ],
            "owner": view.owner,
            **view.settings,
        }
        for view in found
    ]


def own_view(view: Mapping[str, Any] | None) -> int | None:
    """Return the number of the view on screen if the person may remove it."""
    if view is None or not view["name"].startswith(PREFIX):
        return None
    return int(view["name"].removeprefix(PREFIX)) if view["owner"] == g.person.user or g.person.admin else None


def choosable(root: ObjectModel, shown: Sequence[FieldRef]) -> list[tuple[str, str, bool]]:
    """Return path, label and whether it is shown for every column: those on screen first, in their order."""
    code = language().code
    chosen = [(ref.path, ref.label, True) for ref in shown]
    paths = {ref.path for ref in shown}
    rest = [
        (f.name, f.label(code), False)
        for f in root.all_fields
        if f.name not in paths and f.name not in ("deleted_at", "version") and f.doc["type"] not in HIDDEN
    ]
    return [*chosen, *(entry for entry in rest if field_ref(root, entry[0]) is not None)]
