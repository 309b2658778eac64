"""The list of an object's records: columns of a list view, search, filters, sort, groups, keyset pages, sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from markupsafe import Markup

from trellis.access import rights
from trellis.model import ObjectModel
from trellis.query import InvalidQuery, Query, Sort
from trellis_admin.colors import color_of
from trellis_admin.displays import display_for, offered
from trellis_admin.forms import may_enter
from trellis_admin.i18n import language
from trellis_admin.list_state import ListState
from trellis_admin.page import render, wants_fragment
from trellis_admin.reading import FieldRef, field_ref, names_for, object_model, run
from trellis_admin.renderers import columns, render_value
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.shown import Shown, can_sort, groupable, shown_of
from trellis_admin.sums import Sums, summed, sums_by
from trellis_admin.view_choices import choosable, own_view
from trellis_admin.views.formulas import text_of_filter
from trellis_admin.views.list_filters import chips, filterable

TAGGED = ("tags", "multi_picklist")


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>", "list", show)


@needs_person
def show(name: str) -> Response:
    """The list page, or only the list when a script asks."""
    root, state = object_model(name), ListState.read(f"/o/{name}", request.args)
    template = "parts/list.html" if wants_fragment() else "pages/list.html"
    return render(template, **page_of(shown_of(root, state)))


def page_of(shown: Shown) -> dict[str, Any]:
    """Return everything that the page of a list shows."""
    display = display_for(shown)
    body, problem = {}, ""
    try:
        body = display.fill(shown) if display else _rows(shown)
    except InvalidQuery as error:
        problem = "\n".join(p["message"] for p in error.problems)
    root, state = shown.root, shown.state
    allowed = rights(g.person, root.doc)
    made = {
        "object": root,
        "label": root.label(language().code),
        "plural": root.plural(language().code),
        "color": color_of(root.name),
        "icon_name": root.doc.get("icon", "box"),
        "state": state,
        "views": shown.tabs(),
        "view": shown.view_name,
        "shape": display.NAME if display else "list",
        "shapes": offered(shown),
        "rows": [],
        "record_count": 0,
        "total_exact": True,
        "totals": [],
        "cursor": None,
        "chips": chips(root, state),
        "problem": problem,
        "may_create": allowed.create,
        "may_import": allowed.create and allowed.may("import"),
        "may_export": allowed.may("export"),
        "may_pick": allowed.may("mass_update") and (allowed.edit != "none" or allowed.delete),
        "may_delete": allowed.delete,
        "may_change": allowed.edit != "none",
        "may_tag": any(f.doc["type"] in TAGGED and may_enter(root, f) for f in root.fields.values()),
        "filterable": filterable(root),
        "choosable": choosable(root, shown.refs),
        "groupable": groupable(root),
        "sorts": [(s.path, s.descending) for s in shown.query.sort],
        "sortable": [
            (f.name, f.label(language().code)) for f in root.all_fields if f.is_shown and can_sort(root, f.name)
        ],
        "own_view": own_view(shown.view),
        "filter_text": text_of_filter(root.name, state),
    }
    return {**made, **body}


def _rows(shown: Shown) -> dict[str, Any]:
    """Return the rows of a list as a table: its columns, its groups, and the sums at the foot."""
    root, group = shown.root, group_of(shown)
    query = _grouped(shown.query, group)
    page = run(query)
    refs, rows = list(shown.refs), page.rows
    added = summed(root, refs)
    foot = _foot(root, query, added)
    allowed = rights(g.person, root.doc)
    make = columns(
        [f.doc for f in refs],
        [f.label for f in refs],
        context(names_for(rows, [*refs, *([group] if group else [])])),
        name_field=root.name_field,
        row_url=lambda row: f"/o/{root.name}/{row['id']}",
        editable=lambda n: allowed.edit != "none" and _editable(root, n),
    )
    return {
        "columns": make,
        "rows": rows,
        "groups": _groups(shown, group, query, added, rows),
        "group": group.path if group else "",
        "record_count": page.total,
        "total_exact": page.total_exact,
        "cursor": page.cursor,
        "foot": foot.texts if foot else {},
        "totals": [(r.label, foot.texts[r.path]) for r in added if r.path in foot.texts][:1] if foot else [],
        "unsortable": {f.path for f in refs if not can_sort(root, f.path)},
    }


def group_of(shown: Shown) -> FieldRef | None:
    """Return the field by which the rows are put into groups."""
    field = shown.field("group_by", shown.state.by)
    return field_ref(shown.root, field.name) if field is not None and can_sort(shown.root, field.name) else None


def _grouped(query: Query, group: FieldRef | None) -> Query:
    if group is None:
        return query
    first = next((s for s in query.sort if s.path == group.path), Sort(group.path))
    rest = [s for s in query.sort if s.path != group.path]
    return replace(query, fields=tuple(dict.fromkeys([*query.fields, group.path])), sort=(first, *rest))


def _groups(
    shown: Shown, group: FieldRef | None, query: Query, added: Sequence[FieldRef], rows: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the heading of each group under the id of its first row on the page."""
    if group is None or not rows:
        return {}
    known = sums_by(shown.root, query, added, [group.path])
    made, last = context(names_for(rows, [group])), object()
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        value = row.get(group.path)
        if value != last:
            last = value
            sums = known.get((value,), Sums(0, {}))
            found[row["id"]] = {
                "label": Markup(render_value(group.doc, value, made)) if value is not None else _("No value"),
                "count": sums.count,
                "sums": sums.texts,
            }
    return found


def _foot(root: ObjectModel, query: Query, added: Sequence[FieldRef]) -> Sums | None:
    """Return the sums of all records of the list; None where no column can be added up."""
    return sums_by(root, query, added, ()).get(()) if added else None


def _editable(root: ObjectModel, name: str) -> bool:
    field = root.field(name)
    return (
        field is not None
        and may_enter(root, field)
        and field.type.widget not in ("richtext", "json", "secret", "file", "image")
    )
