"""The page of one record: highlights, path, details by layout, related lists, history; and deleting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from trellis.access import rights
from trellis.access.decide import may
from trellis.bookmarks import is_favourite, visited
from trellis.history import take_back
from trellis.model import ObjectModel, Reference
from trellis.query import InvalidQuery, Query, Sort
from trellis.record_id import format_id
from trellis.transaction import RecordsInvalid
from trellis_admin.colors import color_of
from trellis_admin.details import highlights_of, parts_of, paths_of
from trellis_admin.forms import layout_of
from trellis_admin.history import events_of
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render, wants_fragment
from trellis_admin.reading import FieldRef, field_refs, label_of, names_for, number_of, object_model, one_record, run
from trellis_admin.renderers import Column, columns
from trellis_admin.rendering import context
from trellis_admin.session import needs_person, readable_objects
from trellis_admin.shown import default_columns
from trellis_admin.views.approvals import approvals_of
from trellis_admin.views.pipelines import ways_of
from trellis_admin.views.timeline import files_part, subject_of, timeline_parts
from trellis_admin.writing import texts_of, write
from trellis_metadata.labels import text_of

RELATED_ROWS = 5
RELATED_COLUMNS = 4


@dataclass(frozen=True)
class Related:
    """A list of records that point at this one."""

    label: str
    object: str
    icon: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    total: int
    all_url: str
    new_url: str


@dataclass(frozen=True)
class Step:
    """One stage of the path."""

    name: str
    label: str
    state: str


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/<record>", "record", show)
    blueprint.add_url_rule("/o/<name>/<record>/delete", "delete_record", delete, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/history", "record_history", show_history)
    blueprint.add_url_rule(
        "/o/<name>/<record>/history/<int:change>/restore", "restore_change", restore_change, methods=["POST"]
    )
    blueprint.add_url_rule("/o/<name>/<record>/stage", "move_record", move, methods=["POST"])


@needs_person
def show(name: str, record: str) -> Response:
    """The page."""
    root = object_model(name)
    row = {**one_record(root, record), **_over_relations(root, record)}
    refs = [FieldRef(f.name, f, "") for f in root.all_fields]
    extra = field_refs(root, paths_of(root))
    made = context(names_for([row], [*refs, *extra]))
    may_edit = _may_edit(root, number_of(record, name))
    return render(
        "pages/record.html",
        object=root,
        row=row,
        title=label_of(row, root),
        label=root.label(language().code),
        plural=root.plural(language().code),
        color=color_of(name),
        icon_name=root.doc.get("icon", "box"),
        may_delete=may_edit and rights(g.person, root.doc).delete,
        highlights=highlights_of(root, row, made),
        parts=parts_of(root, row, made, may_edit=may_edit),
        ways=(ways := ways_of(root, record)),
        steps=[] if ways else _steps(root, row),
        related=_related(root, row),
        approvals=approvals_of(root, record),
        favourite=_visit(name, record),
        **timeline_parts(subject := subject_of(root, record)),
        attached=files_part(subject),
    )


def _visit(name: str, record: str) -> bool:
    """Note that the person looks at the record; return whether it is a favourite."""
    key = (name, number_of(record, name))
    visited(g.tenant, g.person, key)
    with g.tenant.database.reading() as connection:
        return is_favourite(connection, g.person.user, key)


def _events(root: ObjectModel, record: str, before: int | None = None) -> dict[str, Any]:
    events, older = events_of(root, number_of(record, root.name), before)
    return {"history": events, "older": older, "history_url": f"/o/{root.name}/{record}/history"}


@needs_person
def show_history(name: str, record: str) -> Response:
    """Older changes: the next part of the list, or a page of its own without scripts."""
    root = object_model(name)
    row = one_record(root, record)
    allowed = rights(g.person, root.doc).edit != "none"
    shown = {
        "object": root,
        "row": row,
        "may_edit": allowed,
        **_events(root, record, request.args.get("before", type=int)),
    }
    if wants_fragment():
        return render("parts/history.html", **shown)
    return render("pages/history.html", title=label_of(row, root), plural=root.plural(language().code), **shown)


@needs_person
def restore_change(name: str, record: str, change: int) -> Response:
    """Write the value from before a change again."""
    object_model(name)
    fields = request.form.getlist("field")
    try:
        write(lambda tx: take_back(tx, name, number_of(record, name), change, fields))
    except RecordsInvalid as error:
        return refuse(next(iter(texts_of(error.errors[0]).values()), error.message))
    return go(f"/o/{name}/{record}", _("Saved"))


def _over_relations(root: ObjectModel, record: str) -> dict[str, Any]:
    paths = paths_of(root)
    if not paths:
        return {}
    rows = run(Query(root.name, tuple(paths), {"field": "id", "op": "=", "value": record}, limit=1)).rows
    return {p: rows[0].get(p) for p in paths} if rows else {}


def _may_edit(root: ObjectModel, number: int) -> bool:
    with g.tenant.database.reading() as connection:
        return may(connection, g.person, g.model, root, number, "edit")


def _steps(root: ObjectModel, row: Mapping[str, Any]) -> list[Step]:
    field = next((f for f in root.fields.values() if f.doc["type"] == "stage"), None)
    if field is None:
        return []
    options = [o for o in field.doc["options"] if o.get("active", True)]
    names = [o["name"] for o in options]
    current = names.index(row[field.name]) if row.get(field.name) in names else -1
    lost = current >= 0 and options[current].get("color") == "red"
    return [
        Step(o["name"], text_of(o.get("label"), language().code, o["name"]), _step_state(i, current, lost))
        for i, o in enumerate(options)
    ]


def _step_state(index: int, current: int, lost: bool) -> str:
    """A stage coloured red is an end without success: what lies before it was not all reached."""
    if index == current:
        return "lost" if lost else "current"
    return "done" if index < current and not lost else "open"


def _related(root: ObjectModel, row: Mapping[str, Any]) -> list[Related]:
    asked = {r["name"]: r for r in layout_of(root).get("related", ())}
    readable = readable_objects(g.model, g.person)
    found = [r for r in g.model.referrers.get(root.name, ()) if r.source in readable and r.source != "user"]
    if asked:
        by_name = {r.relationship: r for r in found}
        pairs = [(by_name[n], spec) for n, spec in asked.items() if n in by_name]
    else:
        pairs = [(r, {}) for r in found if r.field not in ("owner", "created_by", "modified_by")]
    lists = (_related_list(r, spec, row) for r, spec in pairs)
    return [item for item in lists if item is not None]


def _related_list(reference: Reference, spec: Mapping[str, Any], row: Mapping[str, Any]) -> Related | None:
    child, code = g.model.object(reference.source), language().code
    refs = field_refs(child, spec["columns"]) if spec.get("columns") else default_columns(child)[:RELATED_COLUMNS]
    refs = [r for r in refs if r.path != reference.field]
    sort = tuple(Sort(s["field"], s.get("direction") == "desc") for s in spec.get("sort", ())) or (
        Sort("modified_at", True),
    )
    condition = {"field": reference.field, "op": "=", "value": row["id"]}
    try:
        page = run(
            Query(child.name, tuple(r.path for r in refs), condition, sort, spec.get("limit", RELATED_ROWS), total=True)
        )
    except InvalidQuery:
        return None
    made = columns(
        [r.doc for r in refs],
        [r.label for r in refs],
        context(names_for(page.rows, refs)),
        name_field=child.name_field,
        row_url=lambda r: f"/o/{child.name}/{r['id']}",
        editable=lambda n: False,
    )
    field = child.fields[reference.field]
    heading = text_of(spec.get("label") or field.doc.get("relationship_label"), code, child.plural(code))
    new = f"/o/{child.name}/new?{reference.field}={row['id']}" if rights(g.person, child.doc).create else ""
    return Related(
        heading,
        child.name,
        child.doc.get("icon", "box"),
        made,
        page.rows,
        page.total or 0,
        f"/o/{child.name}?f={reference.field}:=:{row['id']}",
        new,
    )


@needs_person
def delete(name: str, record: str) -> Response:
    """Move the record to the recycle bin; the message offers to undo."""
    root = object_model(name)
    number = number_of(record, name)
    try:
        write(lambda tx: tx.delete(name, [number]))
    except RecordsInvalid as error:
        return refuse(next(iter(texts_of(error.errors[0]).values()), error.message))
    message = _("%(object)s deleted", object=root.label(language().code))
    return go(
        f"/o/{name}", message, undo={"url": f"/o/{name}/bulk/restore", "values": {"ids": format_id(name, number)}}
    )


@needs_person
def move(name: str, record: str) -> Response:
    """Move the record to another stage."""
    root = object_model(name)
    field = next(f for f in root.fields.values() if f.doc["type"] == "stage")
    try:
        write(lambda tx: tx.update(name, [{"id": record, field.name: request.form.get("stage")}]))
    except RecordsInvalid as error:
        return refuse(next(iter(texts_of(error.errors[0]).values()), error.message))
    return go(f"/o/{name}/{record}", _("Saved"))
