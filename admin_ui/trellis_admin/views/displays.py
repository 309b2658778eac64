"""What the calendar and the tree ask for while people use them: putting a record on another day, opening a level."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.model import FieldModel, ObjectModel
from trellis.transaction import RecordsInvalid
from trellis_admin.displays import calendar, tree
from trellis_admin.forms import may_enter
from trellis_admin.list_state import ListState
from trellis_admin.page import go, refuse, render, toast, wants_fragment
from trellis_admin.reading import number_of, object_model, one_record
from trellis_admin.renderers.dates import moment
from trellis_admin.session import needs_person, time_zone
from trellis_admin.shown import shown_of
from trellis_admin.views.lists import page_of
from trellis_admin.writing import texts_of, write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/<record>/day/<field>", "place_on_day", place, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/below", "tree_level", below)


@needs_person
def place(name: str, record: str, field: str) -> Response:
    """Put a record on another day; a moment keeps its time of day in the person's zone."""
    root = object_model(name)
    found = next((f for f in calendar.date_fields(root) if f.name == field), None)
    if found is None or not may_enter(root, found):
        raise NotFound
    row = one_record(root, record)
    value = request.form.get("value") or _on_day(found, row, request.form.get("day", ""))
    if value is None:
        return refuse(_("This is not written as expected."))
    try:
        write(lambda tx: tx.update(name, [{"id": record, field: value}]))
    except RecordsInvalid as error:
        return refuse(" ".join(texts_of(error.errors[0]).values()) or error.message)
    back = request.form.get("back", "")
    back = back if back == f"/o/{name}" or back.startswith(f"/o/{name}?") else f"/o/{name}?as=calendar"
    undo = {
        "url": f"/o/{name}/{record}/day/{field}",
        "values": {"value": row.get(field) or "", "back": back},
        "target": "#calendar",
    }
    if not wants_fragment():
        return go(back, _("Moved"), undo=undo)
    return toast(render("displays/calendar.html", **_page(root, back)), _("Moved"), undo=undo)


def _page(root: ObjectModel, back: str) -> dict[str, Any]:
    return page_of(shown_of(root, ListState.of_url(f"/o/{root.name}", back)))


def _on_day(field: FieldModel, row: dict[str, Any], day: str) -> str | None:
    try:
        wanted = dt.date.fromisoformat(day)
    except ValueError:
        return None
    if field.doc["type"] == "date":
        return wanted.isoformat()
    now = row.get(field.name)
    time = moment(now).astimezone(time_zone()).time() if isinstance(now, str) else dt.time(9)
    return dt.datetime.combine(wanted, time, time_zone()).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@needs_person
def below(name: str) -> Response:
    """The records below one of the tree."""
    root, above = object_model(name), request.args.get("above", "")
    number_of(above, name)
    if not tree.suits(root):
        raise NotFound
    shown = shown_of(root, ListState.read(f"/o/{name}", request.args))
    nodes, cursor = tree.level(shown, above, shown.state.after)
    more = f"{request.full_path}&after={cursor}" if cursor else ""
    return render("displays/tree_level.html", nodes=nodes, more_url=more)
