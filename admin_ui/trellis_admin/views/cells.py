"""Editing one value in place, in a list (``cell``) or on a record page (``detail``)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from markupsafe import Markup, escape

from trellis.model import FieldModel, ObjectModel
from trellis.transaction import RecordsInvalid, VersionConflict
from trellis_admin.forms import input_for, may_enter, read_form
from trellis_admin.i18n import language
from trellis_admin.page import render, toast
from trellis_admin.reading import FieldRef, names_for, object_model, one_record
from trellis_admin.renderers import columns, render_value
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.writing import texts_of, write

SAVED_BY_BUTTON = frozenset(
    {"multiselect", "tags", "address", "person_name", "geolocation", "textarea", "richtext", "json", "currency"}
)
"""Widgets with several controls or lines: a change of one of them must not save yet."""


def install(blueprint: Blueprint) -> None:
    for place in ("cell", "detail"):
        url = f"/o/<name>/<record>/{place}/<path>"
        blueprint.add_url_rule(url, f"edit_{place}", show, defaults={"place": place})
        blueprint.add_url_rule(url, f"save_{place}", save, defaults={"place": place}, methods=["POST"])


def _field(root: ObjectModel, path: str) -> FieldModel:
    from werkzeug.exceptions import NotFound

    field = root.field(path)
    if field is None or not may_enter(root, field):
        raise NotFound
    return field


@needs_person
def show(name: str, record: str, place: str, path: str) -> Response:
    """The value as a control, or as it was before when the person gives up."""
    root = object_model(name)
    field, row = _field(root, path), one_record(root, record)
    if request.args.get("show"):
        return _value(root, field, row, place, "")
    return _control(root, field, row, place, row.get(field.name))


@needs_person
def save(name: str, record: str, place: str, path: str) -> Response:
    """Save the value; a refusal keeps the control open with its reason, a conflict shows both values."""
    root = object_model(name)
    field = _field(root, path)
    values = read_form(root, request.form, only=(field.name,))
    version = request.form.get("version", type=int)
    try:
        write(lambda tx: tx.update(name, [{"id": record, "version": version, **values}]))
    except RecordsInvalid as error:
        text = next(iter(texts_of(error.errors[0]).values()), error.message)
        return _control(root, field, one_record(root, record), place, values.get(field.name), text, 422)
    except VersionConflict:
        row = one_record(root, record)
        return _control(root, field, row, place, values.get(field.name), _conflict_text(field, row), 409)
    row = one_record(root, record)
    return toast(_value(root, field, row, place, " data-saved data-refocus"), _("Saved"))


def _conflict_text(field: FieldModel, row: dict[str, Any]) -> str:
    theirs = Markup(render_value(field.doc, row.get(field.name), context(_names(field, row)))).striptags()
    return _(
        "Someone changed this in the meantime to “%(value)s”. Save again to replace it, or press Esc to keep it.",
        value=theirs,
    )


def _names(field: FieldModel, row: dict[str, Any]) -> dict[str, str]:
    return names_for([row], [FieldRef(field.name, field, "")])


def _control(
    root: ObjectModel,
    field: FieldModel,
    row: dict[str, Any],
    place: str,
    value: Any,
    error: str = "",
    status: int = 200,
) -> Response:
    control = input_for(
        root,
        field,
        value,
        prefix=f"{place}-{row['id']}",
        error=error,
        names=_names(field, {**row, field.name: value}),
        autofocus=True,
        record=row["id"],
    )
    return render(
        f"parts/{place}_edit.html",
        status,
        input=control,
        row=row,
        url=f"/o/{root.name}/{row['id']}/{place}/{field.name}",
        by_button=control.widget in SAVED_BY_BUTTON,
        label=field.label(language().code),
        icon_name=field.type.icon,
    )


def _value(root: ObjectModel, field: FieldModel, row: dict[str, Any], place: str, extra: str) -> Response:
    if place == "detail":
        from trellis_admin.details import detail_of

        return render(
            "parts/detail.html",
            detail=detail_of(root, field, row, context(_names(field, row)), may_edit=True),
            extra=Markup(extra),
        )
    label = field.label(language().code)
    main = root.name_field == field.name
    made = columns(
        [field.doc] if main else [{**field.doc, "name": "_"}, field.doc],
        [label] * 2 if not main else [label],
        context(_names(field, row)),
        name_field=root.name_field,
        row_url=lambda r: f"/o/{escape(root.name)}/{r['id']}",
        editable=lambda n: True,
    )
    return render("parts/cell.html", cell=made[-1].cell(row, extra))
