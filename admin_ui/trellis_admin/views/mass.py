"""Changing many records of a list: choose the change, see what will be refused, carry it out, undo it as one step.

The records are those that were ticked (``id``) or all that fit the list's address (``all``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import Forbidden

from trellis import mass
from trellis.access import rights
from trellis.mass import BadMassChange, MassChange, Step
from trellis.model import FieldModel, ObjectModel
from trellis.record_id import format_id
from trellis_admin.forms import UPLOADS, input_for, may_enter, read_form
from trellis_admin.i18n import language
from trellis_admin.list_state import ListState
from trellis_admin.page import go, refuse, render, wants_fragment
from trellis_admin.reading import names_of_ids, number_of, object_model, run
from trellis_admin.session import needs_person
from trellis_admin.shown import shown_of
from trellis_admin.widgets import Choice, Input
from trellis_admin.writing import texts_of

PAGE, MAX_RECORDS, SHOWN_REFUSALS = 1000, 50_000, 20
EDIT, ASSIGN, TAG, DELETE = "edit", "assign", "tag", "delete"
TAGGED = ("tags", "multi_picklist")
NOT_AT_ONCE = frozenset({*UPLOADS, "secret", "json"})


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/mass/<action>", "mass_form", form, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/mass/<action>/field", "mass_field", field_control)
    blueprint.add_url_rule("/o/<name>/mass/<action>/preview", "mass_preview", preview, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/mass/<action>/run", "mass_run", carry_out, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/mass/<int:step>", "mass_step", show_step)
    blueprint.add_url_rule("/o/<name>/mass/<int:step>/undo", "mass_undo", undo, methods=["POST"])


@needs_person
def form(name: str, action: str) -> Response:
    """The form of a change: which field and which value. Deleting goes straight to the preview."""
    root = _allowed(name, action)
    if action == DELETE:
        return preview(name, action)
    choices = _fields(root, action)
    if not choices:
        return refuse(_("No field of these records can be changed in one step."))
    shown = next((f for f in choices if f.name == request.form.get("field")), choices[0])
    return _form(root, action, shown, choices)


def _form(
    root: ObjectModel, action: str, field: FieldModel, choices: Sequence[FieldModel], error: str = ""
) -> Response:
    code = language().code
    return _drawer(
        "mass_form",
        root,
        action,
        422 if error else 200,
        fields=[(f.name, f.label(code)) for f in choices],
        inputs=_inputs(root, action, field),
        field=field.name,
        error=error,
        count=_count(root),
    )


@needs_person
def field_control(name: str, action: str) -> Response:
    """The control for the value of the field that was chosen."""
    root = _allowed(name, action)
    field = next((f for f in _fields(root, action) if f.name == request.args.get("field")), None)
    return render("parts/mass_value.html", inputs=_inputs(root, action, field) if field else [])


@needs_person
def preview(name: str, action: str) -> Response:
    """What the change will do, and what of it will be refused."""
    root = _allowed(name, action)
    change, ids = _change(root, action), _ids(root)
    try:
        trial = mass.try_out(g.tenant, g.person, change, ids)
    except BadMassChange as error:
        if action == DELETE:
            return refuse(error.message)
        choices = _fields(root, action)
        field = next((f for f in choices if f.name == request.form.get("field")), choices[0])
        return _form(root, action, field, choices, _("Choose a field and a value."))
    return _drawer(
        "mass_preview",
        root,
        action,
        trial=trial,
        refused=_reasons(root, trial.refused[:SHOWN_REFUSALS]),
        more=max(0, len(trial.refused) - SHOWN_REFUSALS),
        sent=_sent(),
    )


@needs_person
def carry_out(name: str, action: str) -> Response:
    """Make the change: at once for few records, by the worker for many."""
    root = _allowed(name, action)
    if _count(root) > MAX_RECORDS:
        return refuse(_("At most %(count)s records can be changed in one step. Filter the list.", count=MAX_RECORDS))
    try:
        step = mass.start(g.tenant, g.person, _change(root, action), _ids(root))
    except BadMassChange as error:
        return refuse(error.message)
    if step.state == "running" or step.count("refused"):
        return go(f"/o/{name}/mass/{step.id}")
    done = step.count("done")
    text = (
        ngettext("%(num)d record deleted", "%(num)d records deleted", done)
        if action == DELETE
        else ngettext("%(num)d record changed", "%(num)d records changed", done)
    )
    return go(_back(name), text, undo={"url": f"/o/{name}/mass/{step.id}/undo", "values": {"back": _back(name)}})


@needs_person
def show_step(name: str, step: int) -> Response:
    """How far a change is, what it did and what it could not do."""
    root = object_model(name)
    found = _step(step)
    if wants_fragment() and found.state in ("running", "undoing"):
        return render("parts/mass_progress.html", step=found, object=root)
    if wants_fragment():
        return go(f"/o/{name}/mass/{step}")
    with g.tenant.database.reading() as connection:
        refused = mass.refusals_of(connection, step)
    return render(
        "pages/mass_step.html",
        object=root,
        plural=root.plural(language().code),
        step=found,
        refused=_reasons(root, refused),
        deleted=found.change.action == "delete",
    )


@needs_person
def undo(name: str, step: int) -> Response:
    """Take a change back as one step."""
    object_model(name)
    try:
        found = mass.undo(g.tenant, g.person, step)
    except BadMassChange:
        return refuse(_("This change is still running, or was taken back already."))
    if found.state == "undone" and not found.count("kept"):
        return go(_back(name), _("Undone"))
    return go(f"/o/{name}/mass/{step}")


def _allowed(name: str, action: str) -> ObjectModel:
    root = object_model(name)
    allowed = rights(g.person, root.doc)
    if action not in (EDIT, ASSIGN, TAG, DELETE) or not allowed.may("mass_update"):
        raise Forbidden
    if not (allowed.delete if action == DELETE else allowed.edit != "none"):
        raise Forbidden
    return root


def _step(step: int) -> Step:
    with g.tenant.database.reading() as connection:
        return mass.step_of(connection, g.person, step)


def _fields(root: ObjectModel, action: str) -> list[FieldModel]:
    """Return the fields that an action can set, as far as the person may enter them."""
    found = [f for f in root.all_fields if may_enter(root, f) and f.type.widget not in NOT_AT_ONCE]
    if action == ASSIGN:
        return [f for f in found if f.name == "owner"]
    return [f for f in found if f.doc["type"] in TAGGED] if action == TAG else [f for f in found if f.name != "owner"]


def _inputs(root: ObjectModel, action: str, field: FieldModel) -> list[Input]:
    control = input_for(root, field, None, prefix="mass")
    if action != TAG:
        return [replace(control, required=False)]
    known = [Choice(c.value, c.text, c.color) for c in control.choices]
    texts = (("add", _("Put on")), ("remove", _("Take off")))
    return [
        replace(control, id=f"mass-{n}", name=n, label=text, choices=known, required=False, help="")
        for n, text in texts
    ]


def _change(root: ObjectModel, action: str) -> MassChange:
    if action == DELETE:
        return MassChange(root.name, "delete")
    name = request.form.get("field", "")
    field = next((f for f in _fields(root, action) if f.name == name), None)
    if field is None:
        return MassChange(root.name, "update")
    if action == TAG:
        lists = [tuple(v for v in request.form.getlist(f"{n}[]") if v) for n in ("add", "remove")]
        return MassChange(root.name, "tag", field=name, add=lists[0], remove=lists[1])
    return MassChange(root.name, "update", read_form(root, request.form, only=(name,)) or {name: None})


def _ids(root: ObjectModel) -> list[int]:
    """Return the numbers of the chosen records: those ticked, or all that the list's address selects."""
    if "all" not in request.form:
        return [number_of(i, root.name) for i in request.form.getlist("id")]
    shown = shown_of(root, ListState.of_url(f"/o/{root.name}", _back(root.name)))
    query = replace(shown.query, fields=("id",), limit=PAGE, total=False, cursor=None)
    found: list[int] = []
    while True:
        page = run(query)
        found += [number_of(row["id"], root.name) for row in page.rows]
        if page.cursor is None or len(found) > MAX_RECORDS:
            return found
        query = replace(query, cursor=page.cursor)


def _count(root: ObjectModel) -> int:
    if "all" not in request.form:
        return len(request.form.getlist("id"))
    shown = shown_of(root, ListState.of_url(f"/o/{root.name}", _back(root.name)))
    return run(replace(shown.query, fields=("id",), limit=1, total=True, cursor=None)).total or 0


def _back(name: str) -> str:
    back = request.form.get("back", "")
    return back if back == f"/o/{name}" or back.startswith(f"/o/{name}?") else f"/o/{name}"


def _sent() -> list[tuple[str, str]]:
    """Return what the form sent, to be sent again."""
    return [(k, v) for k, v in request.form.items(multi=True) if k != "csrf_token"]


def _drawer(part: str, root: ObjectModel, action: str, status: int = 200, **shown: Any) -> Response:
    titles = {EDIT: _("Edit many"), ASSIGN: _("Assign"), TAG: _("Tags"), DELETE: _("Delete")}
    kept = [(k, v) for k, v in _sent() if k in ("id", "all", "back")]
    return render(
        f"parts/{part}.html" if wants_fragment() else "pages/mass.html",
        status,
        part=f"parts/{part}.html",
        object=root,
        plural=root.plural(language().code),
        title=titles[action],
        action=action,
        kept=kept,
        back=_back(root.name),
        url=f"/o/{root.name}/mass/{action}",
        **shown,
    )


def _reasons(root: ObjectModel, refused: Sequence[tuple[int, Mapping[str, Any]]]) -> list[dict[str, str]]:
    """Return title, address and reason of refused records; a record that the person may not see has no title."""
    ids = {i: format_id(root.name, i) for i, _ in refused}
    titles = names_of_ids({root.name: set(ids.values())}) if ids else {}
    return [
        {
            "title": titles.get(ids[i], ""),
            "url": f"/o/{root.name}/{ids[i]}",
            "reason": " ".join(dict.fromkeys(_reason(root, name, text) for name, text in texts_of(errors).items())),
        }
        for i, errors in refused
    ]


def _reason(root: ObjectModel, name: str, text: str) -> str:
    field = root.fields.get(name)
    return f"{field.label(language().code)}: {text}" if field is not None else text
