"""The gallery: records as cards with the picture of an image field, page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import g
from flask_babel import gettext as _

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis_admin.displays.cells import cards, facts_of
from trellis_admin.reading import run
from trellis_admin.shown import Shown

NAME, ORDER, ICON = "gallery", 30, "photo"


def label() -> str:
    return _("Gallery")


def suits(root: ObjectModel) -> bool:
    return bool(image_fields(root))


def image_fields(root: ObjectModel) -> list[FieldModel]:
    """Return the image fields that the person may see."""
    allowed = rights(g.person, root.doc)
    return [
        f
        for f in root.fields.values()
        if f.doc["type"] == "image" and allowed.may_read_field(f.name) and not allowed.masks(f.name)
    ]


def fill(shown: Shown) -> dict[str, Any]:
    """Return a page of pictures."""
    fields = image_fields(shown.root)
    asked = shown.field("image", shown.state.by)
    field = next((f for f in fields if asked is not None and f.name == asked.name), fields[0])
    name = shown.root.name_field
    paths = dict.fromkeys([*([name] if name else []), *shown.query.fields, field.name])
    page = run(replace(shown.query, fields=tuple(paths)))
    return {
        "image_field": field,
        "cards": cards(shown.root, page.rows, facts_of(shown, {field.name})),
        "record_count": page.total,
        "total_exact": page.total_exact,
        "cursor": page.cursor,
    }
