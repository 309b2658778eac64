"""Creating and editing a record in a form: in the drawer with scripts, on a page of its own without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import Forbidden

from trellis.access import rights
from trellis.model import ObjectModel
from trellis.record_id import format_id
from trellis.transaction import RecordsInvalid, VersionConflict
from trellis_admin.forms import defaults, on_form, read_form, sections
from trellis_admin.i18n import language
from trellis_admin.page import go, render, toast, wants_fragment
from trellis_admin.reading import FieldRef, label_of, names_for, object_model, one_record
from trellis_admin.renderers import render_value
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.writing import texts_of, write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/new", "new_record", new)
    blueprint.add_url_rule("/o/<name>/new", "create_record", create, methods=["POST"])
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
    values = read_form(root, request.form)
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
    values = read_form(root, request.form)
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
        theirs = one_record(root, record)
        return _form(
            root,
            {**theirs, **values, "version": theirs["version"]},
            record=record,
            status=409,
            conflicts=_conflicts(root, theirs, values),
        )
    return go(f"/o/{name}/{record}", _("Saved"))


def _conflicts(
    root: ObjectModel, theirs: Mapping[str, Any], mine: Mapping[str, Any]
) -> list[tuple[str, Markup, Markup]]:
    """Return label, their value and mine of every field on which the two differ."""
    fields = [root.field(n) for n in mine]
    refs = [FieldRef(f.name, f, "") for f in fields if f]
    made = context(names_for([theirs, mine], refs))
    return [
        (
            f.label(language().code),
            Markup(render_value(f.doc, theirs.get(f.name), made)),
            Markup(render_value(f.doc, mine.get(f.name), made)),
        )
        for f in fields
        if f and theirs.get(f.name) != mine.get(f.name)
    ]


def _form(
    root: ObjectModel,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    *,
    record: str = "",
    status: int = 200,
    conflicts: list[tuple[str, Markup, Markup]] | None = None,
) -> Response:
    errors = dict(errors or {})
    names = names_for([values], [FieldRef(f.name, f, "") for f in root.all_fields if on_form(f)])
    parts = sections(root, values, errors, names, prefix="f", record=record)
    shown = {i.name for p in parts for i in p.inputs}
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
        conflicts=conflicts or [],
        title=label_of({**values, "id": record}, root) if record else _("New: %(object)s", object=root.label(code)),
        general=[text for name, text in errors.items() if name not in shown],
        action=f"/o/{root.name}/{record}/edit" if record else f"/o/{root.name}/new",
        cancel=f"/o/{root.name}/{record}" if record else f"/o/{root.name}",
    )
