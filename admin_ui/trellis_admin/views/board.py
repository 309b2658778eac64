"""Moving cards of a board, and reading on in its columns."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import NotFound

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis.transaction import RecordsInvalid
from trellis_admin.displays.board import BLANK, TYPES, by_of, heads_and_card, lane_fields, more_of, suits
from trellis_admin.forms import may_enter, read_form
from trellis_admin.list_state import ListState
from trellis_admin.page import go, refuse, render, toast, wants_fragment
from trellis_admin.reading import object_model, one_record
from trellis_admin.session import needs_person
from trellis_admin.shown import shown_of
from trellis_admin.views.pipelines import ask, moved_text
from trellis_admin.writing import texts_of, write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/cards", "board_cards", cards)
    blueprint.add_url_rule("/o/<name>/<record>/place/<field>", "place_card", place, methods=["POST"])


@needs_person
def cards(name: str) -> Response:
    """The next cards of one column, in one lane if the board has lanes."""
    root = object_model(name)
    if not suits(root):
        raise NotFound
    shown = shown_of(root, ListState.read(f"/o/{name}", request.args))
    cell = more_of(shown, request.args.get("cell", BLANK), request.args.get("lane", BLANK), shown.state.after)
    movable = rights(g.person, root.doc).edit != "none" and may_enter(root, by_of(shown))
    return render("displays/board_cards.html", cell=cell, movable=movable)


@needs_person
def place(name: str, record: str, field: str) -> Response:
    """Put a record into another column (``stage``) and lane; where the move asks for more, ask the person for it."""
    root = object_model(name)
    stage, back = request.form.get("stage", ""), _back(name)
    lane = _lane(root)
    if (
        field not in root.fields
        or root.fields[field].doc["type"] not in TYPES
        or not may_enter(root, root.fields[field])
    ):
        raise NotFound
    before = one_record(root, record)
    typed = read_form(root, request.form, only=[n for n in request.form.getlist("asked") if n in root.fields])
    moved = {field: None if stage in ("", BLANK) else stage, **_lane_values(lane)}
    try:
        write(lambda tx: tx.update(name, [{"id": record, **typed, **moved}]))
    except RecordsInvalid as error:
        texts, action = texts_of(error.errors[0]), f"/o/{name}/{record}/place/{field}"
        if "undo" in request.form:
            return refuse(" ".join(texts.values()))
        kept = {"back": back, **_kept(lane)}
        shown_stage = "" if stage == BLANK else stage
        return ask(root, record, field, shown_stage, typed, texts, action=action, cancel=back, kept=kept)
    undo = {
        "url": f"/o/{name}/{record}/place/{field}",
        "values": {"stage": before.get(field) or BLANK, "back": back, "undo": "1", **_kept(lane, before)},
    }
    text = moved_text(root, field, "" if stage == BLANK else stage)
    if typed or not wants_fragment():
        return go(back, text, undo=undo)
    return _moved(root, back, record, text, undo)


def _moved(root: ObjectModel, back: str, record: str, text: str, undo: dict[str, Any]) -> Response:
    """Answer with the heads and the card as they are now; the page moves the card by the event."""
    shown = shown_of(root, ListState.of_url(f"/o/{root.name}", back))
    heads, card = heads_and_card(shown, record)
    by = by_of(shown)
    where = {"id": record, "column": (card.row.get(by.name) or BLANK) if card else None}
    lane = shown.field("lanes", shown.state.lanes)
    if card and lane is not None:
        where["lane"] = card.row.get(lane.name) or BLANK
    may_create = rights(g.person, root.doc).create
    response = render("displays/board_moved.html", heads=heads, card=card, object=root, by=by, may_create=may_create)
    response.headers["HX-Reswap"] = "none"
    return toast(response, text, undo=undo, events={"boardMoved": where})


def _back(name: str) -> str:
    back = request.form.get("back", "")
    return back if back == f"/o/{name}" or back.startswith(f"/o/{name}?") else f"/o/{name}?as=board"


def _lane(root: ObjectModel) -> FieldModel | None:
    found = next((f for f in lane_fields(root) if f.name == request.form.get("lanes")), None)
    return found if found is not None and may_enter(root, found) else None


def _lane_values(lane: FieldModel | None) -> dict[str, Any]:
    value = request.form.get("lane", "")
    return {} if lane is None or not value else {lane.name: None if value == BLANK else value}


def _kept(lane: FieldModel | None, row: dict[str, Any] | None = None) -> dict[str, str]:
    if lane is None:
        return {}
    value = request.form.get("lane", "") if row is None else (row.get(lane.name) or BLANK)
    return {"lanes": lane.name, "lane": value}
