"""A record's fields as label and value, arranged by its layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from trellis.model import FieldModel, ObjectModel
from trellis.rules.conditions import State
from trellis_admin.form_state import state_of_page
from trellis_admin.forms import layout_of, may_enter
from trellis_admin.i18n import language
from trellis_admin.reading import field_ref
from trellis_admin.renderers import RenderContext, render_value
from trellis_admin.rollups import About, about
from trellis_metadata.labels import text_of

WIDE = frozenset({"long_text", "rich_text", "json", "address"})
TEXT = frozenset({"text", "person_name"})
ONE_LINE = frozenset({"lookup", "master_detail", "user", "file"})
HIGHLIGHTS = 5
_GOOD_FACTS = ("stage", "currency", "date", "lookup", "picklist", "user", "phone", "email")


@dataclass(frozen=True)
class Detail:
    """One fact. ``shape`` is how its value takes room: ``wide``, ``text`` (two lines at most, all of it as ``hint``), ``line`` or any."""

    label: str
    icon: str
    html: Markup
    shape: str = ""
    edit_url: str = ""
    hint: str = ""
    why_url: str = ""
    about: About | None = None


@dataclass(frozen=True)
class Part:
    """A section of facts."""

    label: str
    columns: int
    details: Sequence[Detail]
    open: bool = True


def detail_of(
    root: ObjectModel,
    field: FieldModel,
    row: Mapping[str, Any],
    context: RenderContext,
    *,
    may_edit: bool,
    path: str = "",
    label: str = "",
) -> Detail:
    """Return one field of a record."""
    value, shape = row.get(path or field.name), _shape(field)
    html = Markup(render_value(field.doc, value, context))  # renderers escape
    url = f"/o/{root.name}/{row['id']}/detail/{field.name}" if may_edit and not path and may_enter(root, field) else ""
    hint = value if shape == "text" and isinstance(value, str) else ""
    why = f"/o/{root.name}/{row['id']}/why/{field.name}" if field.is_formula and not path else ""
    return Detail(
        label or field.label(language().code),
        field.type.icon,
        html,
        shape,
        url,
        hint,
        why,
        None if path else about(root, field, row["id"]),
    )


def _shape(field: FieldModel) -> str:
    kind = field.doc.get("result") or field.doc["type"]
    shapes = {"wide": WIDE, "text": TEXT, "line": ONE_LINE}
    return next((shape for shape, kinds in shapes.items() if kind in kinds), "")


def parts_of(root: ObjectModel, row: Mapping[str, Any], context: RenderContext, *, may_edit: bool) -> list[Part]:
    """Return the sections of a record page: the layout's, then what the system knows."""
    code, made, states = language().code, [], state_of_page(root, row["id"])
    for section in layout_of(root)["sections"]:
        found = [_cell(root, c, row, context, may_edit, states) for line in section["cells"] for c in line if c]
        made.append(
            Part(text_of(section.get("label"), code, ""), min(2, section.get("columns", 2)), [d for d in found if d])
        )
    system = [
        detail_of(root, f, row, context, may_edit=False)
        for f in root.system.values()
        if f.name in ("created_at", "created_by", "modified_at", "modified_by")
    ]
    from flask_babel import gettext as _

    return [*made, Part(_("System"), 2, system, open=False)]


def _cell(
    root: ObjectModel,
    cell: Any,
    row: Mapping[str, Any],
    context: RenderContext,
    may_edit: bool,
    states: Mapping[str, State],
) -> Detail | None:
    path = cell if isinstance(cell, str) else cell.get("field", "")
    ref = field_ref(root, path)
    if ref is None:
        return None
    if "." in path:
        return detail_of(root, ref.model, row, context, may_edit=False, path=path, label=ref.label)
    state = states.get(path, State())
    if not state.visible:
        return None
    return detail_of(root, ref.model, row, context, may_edit=may_edit and not state.read_only)


def paths_of(root: ObjectModel) -> list[str]:
    """Return every path that the page of a record needs beyond its own fields."""
    layout = layout_of(root)
    cells = [c for s in layout["sections"] for line in s["cells"] for c in line if isinstance(c, str)]
    return [p for p in [*cells, *layout.get("highlights", ())] if "." in p and field_ref(root, p)]


def highlights_of(root: ObjectModel, row: Mapping[str, Any], context: RenderContext) -> list[Detail]:
    """Return the facts at the top of the page: those of the layout, else the first that say most."""
    paths = layout_of(root).get("highlights") or [
        f.name for f in root.fields.values() if f.doc["type"] in _GOOD_FACTS and f.name != root.name_field
    ]
    refs = [field_ref(root, p) for p in paths[:HIGHLIGHTS]]
    return [detail_of(root, r.model, row, context, may_edit=False, path=r.path, label=r.label) for r in refs if r]
