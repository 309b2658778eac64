"""Creating and editing a record in a form: in the drawer with scripts, on a page of its own without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from trellis.access import rights
from trellis.model import ObjectModel
from trellis.record_id import format_id
from trellis.rules.form_state import FormState
from trellis.transaction import RecordsInvalid, VersionConflict
from trellis_admin.form_state import (
    follows_typing,
    letters,
    read_defaults,
    read_state,
    shown_defaults,
    state_of,
    without_defaults,
    written_state,
)
from trellis_admin.forms import UPLOADS, defaults, on_form, read_form, sections
from trellis_admin.i18n import language
from trellis_admin.merging import Conflict, chosen, merge
from trellis_admin.page import go, refuse, render, toast, wants_fragment
from trellis_admin.reading import FieldRef, label_of, names_for, object_model, one_record
from trellis_admin.session import needs_person
from trellis_admin.writing import texts_of, write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/new", "new_record", new)
    blueprint.add_url_rule("/o/<name>/new", "create_record", create, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/new/state", "new_record_state", new_state, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/edit/state", "record_state", record_state, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/<record>/edit", "edit_record", edit)
    blueprint.add_url_rule("/o/<name>/<record>/edit", "update_record", update, methods=["POST"])


@needs_person
def new(name: str) -> Response:
    """A form for a new record; ``?field=value`` fills it, ``?copy=id`` takes another record's values."""
    root = object_model(name)
    if not rights(g.person, root.doc).create:
        raise Forbidden
    given = {k: v for k, v in request.args.items() if root.field(k)}
    copied = one_record(root, request.args["copy"]) if request.args.get("copy") else {}
    own = {"owner": format_id("user", g.person.user)} if g.person.user else {}
    return _form(root, {**defaults(root), **own, **{k: v for k, v in copied.items() if k in root.fields}, **given})


@needs_person
def create(name: str) -> Response:
    """Create the record; go to its page, or offer the next empty form."""
    root = object_model(name)
    values = without_defaults(root, read_form(root, request.form), read_defaults(request.form))
    try:
        made = write(lambda tx: tx.create(name, [values]))[0]
    except RecordsInvalid as error:
        return _form(root, values, texts_of(error.errors[0]), status=422)
    message = _("%(object)s created", object=root.label(language().code))
    if "again" in request.form:
        return toast(_form(root, defaults(root)), message) if wants_fragment() else go(f"/o/{name}/new", message)
    return go(f"/o/{name}/{format_id(name, made.id)}", message)


@needs_person
def edit(name: str, record: str) -> Response:
    """The form of an existing record."""
    root = object_model(name)
    return _form(root, one_record(root, record), record=record)


@needs_person
def update(name: str, record: str) -> Response:
    """Save what changed; when somebody else saved in between, show both sides and let the person decide."""
    root = object_model(name)
    values = chosen(read_form(root, request.form), request.form)
    version = request.form.get("version", type=int)
    try:
        write(lambda tx: tx.update(name, [{"id": record, "version": version, **values}]))
    except RecordsInvalid as error:
        return _form(
            root,
            {**one_record(root, record), **values, "version": version},
            texts_of(error.errors[0]),
            record=record,
            status=422,
        )
    except VersionConflict:
        return _merged(root, record, values, version or 0)
    return go(f"/o/{name}/{record}", _("Saved"))


def _merged(root: ObjectModel, record: str, sent: Mapping[str, Any], version: int) -> Response:
    """Save what nobody else changed; where both did, let the person choose."""
    theirs = one_record(root, record)
    found = merge(root, record, version, theirs, sent)
    if not found.conflicts:
        row = {"id": record, "version": theirs["version"], **found.mine}
        try:
            write(lambda tx: tx.update(root.name, [row]))
        except RecordsInvalid as error:
            values = {**theirs, **found.mine}
            return _form(root, values, texts_of(error.errors[0]), record=record, status=422)
        except VersionConflict:
            return refuse(_("Someone changed this in the meantime"), 409)
        return go(f"/o/{root.name}/{record}", _("Saved together with the changes of others"))
    return _form(root, {**theirs, **found.mine}, record=record, status=409, conflicts=found.conflicts)


@needs_person
def new_state(name: str) -> Response:
    """The fields of the form of a new record that changed with what was typed."""
    return _changed_fields(object_model(name))


@needs_person
def record_state(name: str, record: str) -> Response:
    """The fields of the form of a stored record that changed with what was typed."""
    return _changed_fields(object_model(name), record)


def _changed_fields(root: ObjectModel, record: str = "") -> Response:
    """Answer with the controls whose state or default is no longer the one that the form shows."""
    sent = read_form(root, request.form, only=[n for n, f in root.fields.items() if f.type.widget not in UPLOADS])
    shown, before = read_defaults(request.form), read_state(request.form)
    stored = one_record(root, record) if record else {}
    given = sent if record else without_defaults(root, sent, shown)
    found = state_of(root, given, record)
    values = {**stored, **sent, **({} if record else {n: found.defaults.get(n) for n in shown if n not in given})}
    changed = {n for n, s in found.fields.items() if before.get(n) != letters(s)}
    changed |= {n for n, value in shown.items() if n not in given and values.get(n) != value}
    # A field that is not entered any more shows what is stored, not what was typed.
    values.update({n: stored.get(n) for n, s in found.fields.items() if record and s.read_only})
    names = names_for([values], [FieldRef(f.name, f, "") for f in root.all_fields if on_form(f)])
    parts = sections(root, values, {}, names, prefix="f", record=record, states=found.fields)
    inputs = [replace(i, autofocus=False) for p in parts for i in p.inputs if i.name in changed]
    return render("parts/form_changes.html", inputs=inputs, **_follow(root, values, found, record))


def _follow(root: ObjectModel, values: Mapping[str, Any], found: FormState, record: str) -> dict[str, Any]:
    """Return what the form tells the server of itself."""
    if not follows_typing(root, new=not record):
        return {"state_url": ""}
    return {
        "state_url": f"/o/{root.name}/{record}/edit/state" if record else f"/o/{root.name}/new/state",
        "state": written_state(found),
        "shown": "" if record else shown_defaults(root, values),
    }


def _form(
    root: ObjectModel,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    *,
    record: str = "",
    status: int = 200,
    conflicts: list[Conflict] | None = None,
) -> Response:
    errors = dict(errors or {})
    found = state_of(root, {n: v for n, v in values.items() if root.field(n)}, record)
    values = {**found.defaults, **values}
    names = names_for([values], [FieldRef(f.name, f, "") for f in root.all_fields if on_form(f)])
    parts = sections(root, values, errors, names, prefix="f", record=record, states=found.fields)
    shown = {i.name for p in parts for i in p.inputs if i.visible}
    code = language().code
    return render(
        "parts/record_drawer.html" if wants_fragment() else "pages/record_form.html",
        status,
        object=root,
        record=record,
        label=root.label(code),
        plural=root.plural(code),
        sections=parts,
        version=values.get("version", ""),
        **_follow(root, values, found, record),
        conflicts=conflicts or [],
        draft=f"{g.tenant.name}:{g.person.user}:{root.name}:{record or 'new'}",
        title=label_of({**values, "id": record}, root) if record else _("New: %(object)s", object=root.label(code)),
        general=[text for name, text in errors.items() if name not in shown],
        action=f"/o/{root.name}/{record}/edit" if record else f"/o/{root.name}/new",
        cancel=f"/o/{root.name}/{record}" if record else f"/o/{root.name}",
    )
