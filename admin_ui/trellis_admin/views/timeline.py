"""The timeline of a record page: older entries, noting something down, ticking off, files, and who can see the record."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis import files
from trellis.access.decide import may
from trellis.access.explain import explain_access
from trellis.access.people import who
from trellis.model import ObjectModel
from trellis.query import Query, Sort
from trellis.record_files import files_of
from trellis.record_id import format_id
from trellis.transaction import RecordsInvalid
from trellis_admin import quick_log
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render, toast, wants_fragment
from trellis_admin.reading import label_of, names_of_ids, number_of, object_model, one_record, run
from trellis_admin.session import needs_person
from trellis_admin.timeline import Subject, timeline_of
from trellis_admin.timeline.activities import kinds_of, upcoming
from trellis_admin.writing import texts_of, write
from trellis_metadata.activities import activity_of

SUGGESTED, SEEN_BY, FILES = 8, 200, 50


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/<record>/timeline", "timeline", older)
    blueprint.add_url_rule("/o/<name>/<record>/log", "quick_log", note_down, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/tick/<activity>", "tick_off", tick_off, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/done", "activity_done", done, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/files", "attach_file", attach, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/access", "record_access", access)
    blueprint.add_url_rule("/people.json", "people_json", people)


def subject_of(root: ObjectModel, record: str) -> Subject:
    """Return the record as the subject of a timeline."""
    number = number_of(record, root.name)
    with g.tenant.database.reading() as connection:
        return Subject(root, record, number, may(connection, g.person, g.model, root, number, "edit"))


def timeline_parts(subject: Subject) -> dict[str, Any]:
    """Return what the page of a record shows of its timeline."""
    return {
        "timeline": timeline_of(subject),
        "upcoming": upcoming(subject),
        "log_kinds": quick_log.offered(subject),
        "ticked": {k.root.name for k in kinds_of(subject.root) if "done" in k.activity},
        "history_url": f"/o/{subject.root.name}/{subject.id}/history",
        "record_url": f"/o/{subject.root.name}/{subject.id}",
        "may_edit": subject.may_edit,
    }


def files_part(subject: Subject) -> list[files.StoredFile]:
    """Return the files that are attached to the record."""
    with g.tenant.database.reading() as connection:
        return files_of(connection, subject.root.name, subject.number, limit=FILES)


@needs_person
def older(name: str, record: str) -> Response:
    """The next page of entries; ``m`` holds the marks of the streams. Without scripts a page of its own."""
    root = object_model(name)
    row = one_record(root, record)
    pairs = (m.partition(":") for m in request.args.getlist("m"))
    marks = {stream: mark for stream, _colon, mark in pairs} or None
    shown = {**timeline_parts(subject_of(root, record)), "timeline": timeline_of(subject_of(root, record), marks)}
    if wants_fragment():
        return render("parts/timeline_entries.html", **shown)
    return render(
        "pages/timeline.html",
        object=root,
        row=row,
        title=label_of(row, root),
        plural=root.plural(language().code),
        **shown,
    )


@needs_person
def note_down(name: str, record: str) -> Response:
    """Write an activity about the record."""
    root = object_model(name)
    row = one_record(root, record)
    subject = subject_of(root, record)
    if not request.form.get("text", "").strip():
        return refuse(_("Write something first."))
    try:
        unseeing = quick_log.log(subject, request.form.get("kind", ""), row)
    except LookupError:
        raise NotFound from None
    except RecordsInvalid as error:
        return refuse(" ".join(texts_of(error.errors[0]).values()) or error.message)
    text = _("Noted down")
    if unseeing:
        ids = {format_id("user", number) for number in unseeing}
        names = "、".join(sorted(names_of_ids({"user": ids}).values()))
        text = _("Noted down. These people cannot see the record and were not told: %(names)s", names=names)
    return _again(subject, text)


@needs_person
def tick_off(name: str, record: str, activity: str) -> Response:
    """Note that something that was to be done is done."""
    root = object_model(name)
    one_record(root, record)
    subject = subject_of(root, record)
    kind = next((k for k in kinds_of(root) if activity.startswith(f"{k.root.name}_") and "done" in k.activity), None)
    if kind is None:
        raise NotFound
    try:
        quick_log.tick(kind, activity)
    except RecordsInvalid as error:
        return refuse(" ".join(texts_of(error.errors[0]).values()) or error.message)
    return _again(subject, _("Done"))


@needs_person
def done(name: str, record: str) -> Response:
    """Note that an activity is done; the message offers to take it back."""
    root = object_model(name)
    values = (activity_of(root.doc) or {}).get("done")
    if not values:
        raise NotFound
    row = one_record(root, record)
    try:
        if "back" in request.form:
            values = {n: request.form.get(f"was.{n}") or None for n in values}
        write(lambda tx: tx.update(name, [{"id": record, **values}]))
    except RecordsInvalid as error:
        return refuse(" ".join(texts_of(error.errors[0]).values()) or error.message)
    if "back" in request.form:
        return go("/", _("Undone"))
    was = {f"was.{n}": row.get(n) or "" for n in values}
    return go("/", _("Done"), undo={"url": f"/o/{name}/{record}/done", "values": {"back": "1", **was}})


@needs_person
def attach(name: str, record: str) -> Response:
    """Attach files to the record."""
    root = object_model(name)
    one_record(root, record)
    subject = subject_of(root, record)
    if not subject.may_edit:
        return refuse(_("You have no access to this"), 403)
    try:
        names = quick_log.attach(subject)
    except files.FileTooLarge as error:
        return refuse(error.message)
    if not names:
        return refuse(_("Choose a file first."))
    return go(f"/o/{name}/{record}", _("File added"))


def _again(subject: Subject, text: str) -> Response:
    if not wants_fragment():
        return go(f"/o/{subject.root.name}/{subject.id}", text)
    return toast(render("parts/timeline.html", **timeline_parts(subject)), text)


@needs_person
def access(name: str, record: str) -> Response:
    """Who can see the record, and why: of oneself; administrators may ask about anybody by ``user``."""
    root = object_model(name)
    row = one_record(root, record)
    number = number_of(record, name)
    with g.tenant.database.reading() as connection:
        readers = who(g.tenant, connection, g.model, root, number)
        editors = {p.user for p in who(g.tenant, connection, g.model, root, number, "edit")}
        wanted = request.args.get("user") if g.person.admin else None
        asked = next((p for p in readers if format_id("user", p.user or 0) == wanted), g.person)
        why = explain_access(connection, g.model, asked, root, number, "read")
    return render(
        "parts/record_access.html" if wants_fragment() else "pages/record_access.html",
        object=root,
        row=row,
        title=label_of(row, root),
        plural=root.plural(language().code),
        readers=[(format_id("user", p.user or 0), p.name, p.user in editors) for p in readers[:SEEN_BY]],
        reader_count=len(readers),
        asked=asked.name,
        asked_id=format_id("user", asked.user or 0),
        paths=[p.to_json(language().code)["text"] for p in why.paths],
        may_ask=g.person.admin,
        url=f"/o/{name}/{record}/access",
    )


@needs_person
def people() -> Response:
    """People whose names begin as typed, for naming them in a text."""
    text = request.args.get("q", "").strip()[:60]
    condition = {"and": [{"field": "active", "op": "=", "value": True}]}
    if text:
        condition["and"].append({"or": [{"field": f, "op": "contains", "value": text} for f in ("name", "login")]})
    rows = run(Query("user", ("name", "login"), condition, (Sort("name"),), SUGGESTED)).rows
    return jsonify([{"name": r["name"], "login": r["login"]} for r in rows])
