"""Filters of a list: what stands in its address as chips, and the menu that adds a condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from trellis.model import ObjectModel
from trellis_admin.forms import input_for
from trellis_admin.i18n import language
from trellis_admin.list_state import BLANK_OPERATORS, Filter, ListState
from trellis_admin.page import go, render
from trellis_admin.reading import FieldRef, field_ref, names_of_ids, object_model
from trellis_admin.session import needs_person
from trellis_admin.shown import can_query
from trellis_metadata.filters import OPERATORS
from trellis_metadata.labels import text_of


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/filter", "add_filter", add_filter)
    blueprint.add_url_rule("/o/<name>/filter-value", "filter_value", filter_value)
    blueprint.add_url_rule("/o/<name>/sort", "sort_list", sort_list)


def chips(root: ObjectModel, state: ListState) -> list[dict[str, Any]]:
    """Return the conditions of the address in words, each with the address without it."""
    made = []
    for condition in state.filters:
        ref = field_ref(root, condition.field)
        if ref is not None:
            made.append(
                {
                    "label": ref.label,
                    "op": operator_label(condition.op),
                    "value": _value_text(ref, condition),
                    "off": state.without(condition),
                }
            )
    return made


def _value_text(ref: FieldRef, condition: Filter) -> str:
    if condition.op in BLANK_OPERATORS:
        return ""
    if ref.model.category == "reference":
        return names_of_ids({condition.value.rpartition("_")[0]: {condition.value}}).get(
            condition.value, condition.value
        )
    for option in ref.model.doc.get("options", ()):
        if option["name"] == condition.value:
            return text_of(option.get("label"), language().code, condition.value)
    return {"true": _("Yes"), "false": _("No")}.get(condition.value, condition.value)


def operator_label(op: str) -> str:
    """Return an operator as a word."""
    return {
        "=": _("is"),
        "!=": _("is not"),
        "<": _("less than"),
        "<=": _("at most"),
        ">": _("greater than"),
        ">=": _("at least"),
        "contains": _("contains"),
        "not_contains": _("does not contain"),
        "starts_with": _("begins with"),
        "ends_with": _("ends with"),
        "is_blank": _("is blank"),
        "is_not_blank": _("is not blank"),
        "in": _("is one of"),
        "not_in": _("is none of"),
        "includes_any": _("includes"),
        "includes_all": _("includes all of"),
        "excludes": _("excludes"),
    }.get(op, op)


def filterable(root: ObjectModel) -> list[tuple[str, str]]:
    """Return name and label of the fields that the menu offers."""
    code = language().code
    return [
        (f.name, f.label(code))
        for f in root.all_fields
        if f.is_shown and OPERATORS.get(f.category) and f.name not in ("version", "deleted_at") and can_query(root, f)
    ]


def _operators(category: str) -> list[tuple[str, str]]:
    hidden = ("between", "in", "not_in")
    first = {"text": "contains", "choices": "includes_any"}.get(category, "=")
    known = sorted(
        (op for op in OPERATORS.get(category, BLANK_OPERATORS) if op not in hidden), key=lambda op: op != first
    )
    return [(op, operator_label(op)) for op in known]


@needs_person
def filter_value(name: str) -> Response:
    """The operators and the control for the value of the chosen field."""
    root = object_model(name)
    field = root.field(request.args.get("field", "")) or root.all_fields[0]
    control = input_for(root, field, None, name="value", prefix="filter")
    return render("parts/filter_value.html", input=_plain(control), operators=_operators(field.category))


def _plain(control: Any) -> Any:
    """A filter compares with one value: several controls become one."""
    simple = {
        "multiselect": "select",
        "tags": "text",
        "currency": "number",
        "address": "text",
        "person_name": "text",
        "textarea": "text",
        "richtext": "text",
        "rating": "number",
        "readonly": "text",
        "datetime": "date",
        "checkbox": "yesno",
    }
    return replace(control, required=False, help="", widget=simple.get(control.widget, control.widget))


@needs_person
def add_filter(name: str) -> Response:
    """Turn the form of the filter menu into an address."""
    root, state = object_model(name), ListState.read(f"/o/{name}", request.args)
    condition = Filter(request.args.get("field", ""), request.args.get("op", ""), request.args.get("value", "").strip())
    usable = field_ref(root, condition.field) and condition.op and (condition.value or condition.op in BLANK_OPERATORS)
    return go(state.url(filters=(*state.filters, condition)) if usable else state.url())


@needs_person
def sort_list(name: str) -> Response:
    """Turn the form of the sort menu into an address."""
    root, state = object_model(name), ListState.read(f"/o/{name}", request.args)
    keys = zip(request.args.getlist("key"), request.args.getlist("direction"), strict=False)
    chosen = {path: direction == "desc" for path, direction in keys if field_ref(root, path)}
    return go(state.url(sort=",".join(f"-{path}" if down else path for path, down in chosen.items())))
