"""The path of a record: moving it, asking for what the stage needs, and its checklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from trellis.model import ObjectModel
from trellis.pipelines.checklist import UnknownActivity, tick
from trellis.pipelines.path import paths_of
from trellis.pipelines.versions import pipelines_of
from trellis.record_id import parse_id
from trellis.rules.reader import Onlooker
from trellis.transaction import RecordsInvalid
from trellis.transaction.statements import statements_of
from trellis_admin.forms import input_for, may_enter, read_form
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render, wants_fragment
from trellis_admin.reading import FieldRef, label_of, names_for, object_model, one_record
from trellis_admin.renderers import render_value
from trellis_admin.renderers.choices import options_of
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.views.approvals import submission_instead
from trellis_admin.widgets import Input
from trellis_admin.writing import texts_of, write
from trellis_metadata.labels import text_of

_MOMENT = {"name": "entered_at", "type": "datetime"}


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/<record>/move/<field>", "move_along", move, methods=["POST"])
    blueprint.add_url_rule(
        "/o/<name>/<record>/activity/<field>/<activity>", "tick_activity", tick_activity, methods=["POST"]
    )


def ways_of(root: ObjectModel, record: str) -> list[dict[str, Any]]:
    """Return the record's way through each of its pipelines, as the runtime tells it. The person may read the record."""
    if not pipelines_of(g.model, root):
        return []
    number = parse_id(record, [root.name])[1]
    with g.tenant.database.reading() as connection:
        stored = statements_of(root).fetch(connection, [number])
        reader = Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())
        found = paths_of(reader, root, stored[number]) if number in stored else []
    made = context()
    for way in found:
        way["label"] = root.fields[way["field"]].label(language().code)
        way["here"] = next((s for s in way["stages"] if s["state"] == "current"), None)
        way["since"] = Markup(render_value(_MOMENT, way["entered_at"].isoformat(), made)) if way["entered_at"] else ""
    return [way for way in found if way["stages"]]


@needs_person
def move(name: str, record: str, field: str) -> Response:
    """Move the record to a stage; where the stage asks for something, ask the person for it in a small form."""
    root = object_model(name)
    if field not in pipelines_of(g.model, root):
        raise NotFound
    stage = request.form.get("stage", "")
    asked = [n for n in request.form.getlist("asked") if n in root.fields]
    values = read_form(root, request.form, only=asked)
    try:
        write(lambda tx: tx.update(name, [{"id": record, **values, field: stage}]))
    except RecordsInvalid as error:
        elsewhere = submission_instead(root, record, field, stage, error.errors[0] or {})
        if elsewhere is not None:
            return go(elsewhere)
        return ask(root, record, field, stage, values, texts_of(error.errors[0]))
    return go(f"/o/{name}/{record}", moved_text(root, field, stage))


def moved_text(root: ObjectModel, field: str, value: str) -> str:
    """Return the message that a record has a new stage, or another value of a picklist."""
    return _("Moved to “%(stage)s”", stage=option_text(root, field, value))


def option_text(root: ObjectModel, field: str, value: str) -> str:
    """Return what an option of a stage or picklist field is called."""
    found = next((o for o in options_of(root.fields[field].doc, context()) if o["name"] == value), {"name": value})
    return text_of(found.get("label"), language().code, value) if value else _("No value")


def ask(
    root: ObjectModel,
    record: str,
    field: str,
    stage: str,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    *,
    action: str = "",
    cancel: str = "",
    kept: Mapping[str, str] | None = None,
) -> Response:
    """Show what stands in the way: fields to fill in, and reasons that no field can answer.

    ``action`` is where the answer goes, with the hidden values ``kept``; ``cancel`` the page without it.
    """
    row = {**one_record(root, record), **values}
    inputs = list(_inputs(root, row, record, [*values, *(n for n in errors if n != field and n not in values)], errors))
    shown = {i.name for i in inputs}
    general = [text for name, text in errors.items() if name not in shown]
    if not inputs and wants_fragment():
        return refuse(" ".join(general))
    return render(
        "parts/move_drawer.html" if wants_fragment() else "pages/move.html",
        422,
        title=_("Move to “%(stage)s”", stage=option_text(root, field, stage)),
        record_label=label_of(row, root),
        plural=root.plural(language().code),
        object=root,
        inputs=inputs,
        general=general,
        stage=stage,
        action=action or f"/o/{root.name}/{record}/move/{field}",
        cancel=cancel or f"/o/{root.name}/{record}",
        kept=kept or {},
    )


def _inputs(
    root: ObjectModel, row: Mapping[str, Any], record: str, names: Sequence[str], errors: Mapping[str, str]
) -> list[Input]:
    fields = [f for n in names if (f := root.field(n)) is not None and may_enter(root, f)]
    known = names_for([dict(row)], [FieldRef(f.name, f, "") for f in fields])
    return [
        input_for(
            root,
            f,
            row.get(f.name),
            prefix="move",
            error=errors.get(f.name, ""),
            names=known,
            record=record,
            autofocus=i == 0,
        )
        for i, f in enumerate(fields)
    ]


@needs_person
def tick_activity(name: str, record: str, field: str, activity: str) -> Response:
    """Tick a key activity of the present stage, or take the tick back."""
    root = object_model(name)
    is_done = request.form.get("done") == "true"
    try:
        write(lambda tx: tick(tx, name, parse_id(record, [name])[1], field, activity, is_done=is_done))
    except UnknownActivity:
        return refuse(_("The record has left this stage in the meantime. Reload the page."))
    if not wants_fragment():
        return go(f"/o/{name}/{record}")
    way = next(w for w in ways_of(root, record) if w["field"] == field)
    return render("parts/checklist.html", way=way, url=f"/o/{name}/{record}", may_edit=True)
