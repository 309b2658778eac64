"""Setup: the objects of the tenant, a new object, a new field. Each change is shown as a plan in words before it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest, NotFound

from trellis.fields import field_types
from trellis.fields.base import FieldType
from trellis_admin.colors import COLORS, color_of
from trellis_admin.i18n import language
from trellis_admin.page import go, refuse, render
from trellis_admin.reading import object_model
from trellis_admin.session import needs_admin
from trellis_admin.setup_documents import FieldForm, ObjectForm, new_field, new_object
from trellis_admin.setup_pages import SetupPage
from trellis_admin.setup_rollups import child_lists, operations
from trellis_admin.views.drafts import review, step
from trellis_metadata.errors import TrellisError
from trellis_metadata.field_checks import CONDITIONS, is_formula
from trellis_metadata.labels import text_of

ICONS = (
    "box",
    "building",
    "users",
    "user",
    "target-arrow",
    "flag",
    "briefcase",
    "calendar-event",
    "car",
    "file-invoice",
    "heart",
    "map-pin",
    "package",
    "receipt",
    "school",
    "shopping-cart",
    "stethoscope",
    "ticket",
    "tools",
    "truck",
    "world",
    "home",
    "star",
    "message",
)
_GROUPS = (
    ("text", ("text", "long_text", "rich_text", "email", "phone", "url", "person_name", "address")),
    ("number", ("integer", "number", "currency", "percent", "rating", "auto_number")),
    ("time", ("date", "datetime", "time", "duration")),
    ("choice", ("picklist", "multi_picklist", "stage", "boolean", "tags")),
    ("link", ("lookup", "master_detail", "user")),
)


@dataclass(frozen=True)
class Tile:
    """One field type in the palette."""

    name: str
    label: str
    icon: str
    color: str


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "data",
        10,
        _("Objects and fields"),
        "/setup/objects",
        "database",
        _("What you keep records of, with their fields, rules and formulas."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/setup/objects", "objects", objects)
    blueprint.add_url_rule("/setup/objects/new", "object_form", object_form)
    blueprint.add_url_rule("/setup/objects/new", "draft_object", draft_object, methods=["POST"])
    blueprint.add_url_rule("/setup/objects/<name>", "object_setup", object_setup)
    blueprint.add_url_rule("/setup/objects/<name>/fields/new", "field_form", field_form)
    blueprint.add_url_rule("/setup/objects/<name>/fields/new", "draft_field", draft_field, methods=["POST"])
    blueprint.add_url_rule("/setup/undo", "undo_publish", undo, methods=["POST"])


@needs_admin
def objects() -> Response:
    """All objects."""
    code = language().code
    found = [
        {
            "name": n,
            "label": text_of(d.get("label"), code, n),
            "icon": d.get("icon", "box"),
            "color": color_of(n),
            "fields": len(d["fields"]),
            "description": text_of(d.get("description"), code),
        }
        for n, d in g.model.snapshot.of_kind("object").items()
    ]
    return render("pages/setup_objects.html", objects=found, log=_log())


def _log() -> list[dict[str, Any]]:
    from trellis_admin.renderers.dates import relative
    from trellis_admin.rendering import context

    return [
        {
            "number": v["number"],
            "note": v["note"],
            "when": relative(v["created_at"], context()),
            "count": len(v["operations"]),
        }
        for v in g.tenant.publisher.log(6)
    ]


@needs_admin
def object_setup(name: str) -> Response:
    """One object with its fields."""
    root, code = object_model(name), language().code
    fields = [
        {
            "name": f.name,
            "label": f.label(code),
            "icon": f.type.icon,
            "type": text_of(f.type.label, code, f.doc["type"]),
            "required": f.required,
            "unique": bool(f.doc.get("unique")),
            "system": f.system,
            "rules": [k for k in CONDITIONS if k in f.doc],
            "default": is_formula(f.doc.get("default")),
        }
        for f in root.all_fields
    ]
    return render(
        "pages/setup_object.html",
        object=root,
        label=root.label(code),
        plural=root.plural(code),
        color=color_of(name),
        icon_name=root.doc.get("icon", "box"),
        fields=fields,
        rules=[
            {"name": r["name"], "message": text_of(r["message"], code), "when": r["when"], "at": r.get("at", "")}
            for r in root.doc.get("validation", ())
        ],
        description=text_of(root.doc.get("description"), code),
    )


@needs_admin
def object_form() -> Response:
    """The form of a new object."""
    return _object_form(ObjectForm())


def _object_form(form: ObjectForm, errors: Sequence[str] = (), status: int = 200) -> Response:
    return step("parts/setup_object_form.html", _("New object"), status, form=form, errors=errors, icons=ICONS)


@needs_admin
def draft_object() -> Response:
    """Make the document of the new object and show what publishing it would do."""
    form = ObjectForm.read(request.form)
    if not form.label:
        return _object_form(form, [_("Give the object a label.")], 422)
    document = new_object(form)
    if g.model.snapshot.get("object", document["name"]):
        return _object_form(form, [_("An object called “%(name)s” exists already.", name=document["name"])], 422)
    return review([document], f"/setup/objects/{document['name']}", lambda problems: _object_form(form, problems, 422))


@needs_admin
def field_form(name: str) -> Response:
    """The palette of field types, then the form of the chosen one."""
    object_model(name)
    kind = request.args.get("type")
    if kind is None:
        return step("parts/setup_type_palette.html", _("Add a field"), object_name=name, groups=_palette())
    if kind not in field_types():
        raise NotFound
    return _field_form(name, kind, FieldForm())


def _palette() -> list[tuple[str, list[Tile]]]:
    labels = {
        "text": _("Text"),
        "number": _("Numbers"),
        "time": _("Dates and times"),
        "choice": _("Choices"),
        "link": _("Relations"),
        "other": _("Other"),
    }
    types = field_types()
    known = {n for _g, names in _GROUPS for n in names}
    groups = [*_GROUPS, ("other", tuple(n for n in types if n not in known))]
    return [
        (
            labels[g],
            [
                Tile(n, text_of(types[n].label, language().code, n), types[n].icon, color_of(g))
                for n in names
                if n in types
            ],
        )
        for g, names in groups
    ]


def _field_form(name: str, kind: str, form: FieldForm, errors: Sequence[str] = (), status: int = 200) -> Response:
    code, spec = language().code, field_types()[kind]
    targets = [(n, text_of(d.get("label"), code, n)) for n, d in g.model.snapshot.of_kind("object").items()]
    return step(
        "parts/setup_field_form.html",
        _("Add a field"),
        status,
        object_name=name,
        kind=kind,
        form=form,
        errors=errors,
        spec=spec,
        targets=targets,
        kind_label=text_of(spec.label, code, kind),
        settings=_settings(spec),
        colors=COLORS,
        takes_options="options" in spec.options,
        takes_target="target" in spec.options,
        takes_formula="formula" in spec.options,
        takes_children="of" in spec.options,
        child_lists=child_lists(name) if "of" in spec.options else (),
        operations=operations(),
        returns=_returns(spec),
    )


def _returns(spec: FieldType) -> list[tuple[str, str]]:
    """Return name and label of what a formula can give."""
    labels = {
        "text": _("Text"),
        "number": _("Number"),
        "currency": _("Amount"),
        "percent": _("Percent"),
        "boolean": _("Yes or no"),
        "date": _("Date"),
        "datetime": _("Date and time"),
        "time": _("Time"),
    }
    known = spec.options.get("returns", {}).get("enum", ())
    return [(name, labels.get(name, name)) for name in known]


def _settings(spec: FieldType) -> list[tuple[str, str, str]]:
    """Return name, label and input mode of the simple options of a type."""
    labels = {
        "max_length": _("Longest text (characters)"),
        "scale": _("Decimal places"),
        "min": _("Smallest value"),
        "max": _("Largest value"),
        "format": _("Format, for example D-{YYYY}-{0000}"),
    }
    return [(n, labels[n], "text" if n == "format" else "numeric") for n in labels if n in spec.options]


@needs_admin
def draft_field(name: str) -> Response:
    """Make the object's document with the new field and show what publishing it would do."""
    root, kind = object_model(name), request.form.get("type", "")
    if kind not in field_types():
        raise BadRequest
    form = FieldForm.read(request.form)
    if missing := _missing(form, field_types()[kind]):
        return _field_form(name, kind, form, missing, 422)
    field = new_field(form, kind, field_types()[kind])
    if root.field(field["name"]):
        return _field_form(name, kind, form, [_("A field called “%(name)s” exists already.", name=field["name"])], 422)
    document = {**root.doc, "fields": [*root.doc["fields"], field]}
    documents = [document, *_with_field(name, field["name"])]
    return review(documents, f"/setup/objects/{name}", lambda problems: _field_form(name, kind, form, problems, 422))


def _missing(form: FieldForm, spec: FieldType) -> list[str]:
    """Return what the form must say and does not, in words of the form: the language speaks of documents."""
    wanted = {
        _("Give the field a label."): bool(form.label),
        _("Write the formula."): "formula" not in spec.options or bool(form.formula),
        _("Give at least one option."): "options" not in spec.options
        or any(option.label or option.label_zh for option in form.options),
        _("Choose the child records to compute over."): "of" not in spec.options or bool(form.rollup.get("of")),
    }
    return [text for text, given in wanted.items() if not given]


def _with_field(name: str, field: str) -> list[Mapping[str, Any]]:
    """Return the object's layout with the field at its end, so that a new field is not invisible."""
    layout = next((d for d in g.model.snapshot.of_kind("layout").values() if d["object"] == name), None)
    if layout is None or not layout["sections"]:
        return []
    last = layout["sections"][-1]
    return [{**layout, "sections": [*layout["sections"][:-1], {**last, "cells": [*last["cells"], [field]]}]}]


@needs_admin
def undo() -> Response:
    """Take the newest version back, unless that would destroy something: that needs a look at the plan."""
    try:
        plan = g.tenant.publisher.plan_undo()
        g.tenant.publisher.apply(
            plan,
            confirm=plan.hash if not any(f.destructive and f.count for f in plan.findings) else None,
            author=g.person.user,
            note="undo",
        )
    except TrellisError as error:
        return refuse(error.message) if request.headers.get("HX-Request") else go("/setup/objects", error.message)
    return go("/setup/objects", _("Undone"))
