"""The list of an object's records: columns of a list view, search, filters, sort, keyset pages, totals, bulk actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.exceptions import Forbidden

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis.query import InvalidQuery, Query, Sort
from trellis.query.formula_columns import refusal_of
from trellis.transaction import RecordsInvalid
from trellis_admin.colors import color_of
from trellis_admin.forms import input_for, may_enter
from trellis_admin.i18n import language
from trellis_admin.list_state import BLANK_OPERATORS, Filter, ListState
from trellis_admin.page import go, refuse, render, wants_fragment
from trellis_admin.reading import (
    FieldRef,
    field_ref,
    field_refs,
    names_for,
    names_of_ids,
    number_of,
    object_model,
    run,
    total_of,
)
from trellis_admin.renderers import columns, render_value
from trellis_admin.rendering import context
from trellis_admin.session import needs_person
from trellis_admin.view_choices import choosable, own_view, saved_documents
from trellis_admin.views.formulas import text_of_filter
from trellis_admin.writing import texts_of, write
from trellis_metadata.filters import OPERATORS, tree_of
from trellis_metadata.labels import text_of

PAGE_ROWS = 50
DEFAULT_COLUMNS = 8
NOT_IN_LISTS = frozenset({"long_text", "rich_text", "json", "secret", "file"})


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>", "list", show)
    blueprint.add_url_rule("/o/<name>/filter", "add_filter", add_filter)
    blueprint.add_url_rule("/o/<name>/filter-value", "filter_value", filter_value)
    blueprint.add_url_rule("/o/<name>/bulk/delete", "bulk_delete", bulk_delete, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/bulk/restore", "bulk_restore", bulk_restore, methods=["POST"])


@needs_person
def show(name: str) -> Response:
    """The list page, or only the list when a script asks."""
    root, state = object_model(name), ListState.read(f"/o/{name}", request.args)
    template = "parts/list.html" if wants_fragment() else "pages/list.html"
    return render(template, **_list(root, state))


def current_query(root: ObjectModel, state: ListState) -> Query:
    """Return what the list on screen asks for."""
    views = [*views_of(root.name), *saved_documents(root.name)]
    return _query(root, state, _view(views, state))[0]


def _view(views: Sequence[Mapping[str, Any]], state: ListState) -> Mapping[str, Any] | None:
    return next((v for v in views if v["name"] == state.view), views[0] if views else None)


def _query(root: ObjectModel, state: ListState, view: Mapping[str, Any] | None) -> tuple[Query, list[FieldRef]]:
    refs = field_refs(root, view["columns"]) if view else default_columns(root)
    refs = field_refs(root, state.columns) or refs
    query = Query(
        root.name,
        tuple(f.path for f in refs),
        state.filter_tree(tree_of(view.get("filter")) if view else None),
        _sorts(root, state, view),
        PAGE_ROWS,
        state.after or None,
        state.search or None,
        total="estimate",
    )
    return query, refs


def _list(root: ObjectModel, state: ListState) -> dict[str, Any]:
    views = [*views_of(root.name), *saved_documents(root.name)]
    view = _view(views, state)
    query, refs = _query(root, state, view)
    sorts = query.sort
    problem, totals = "", []
    try:
        page = run(query)
        totals = _totals(root, query, refs)
    except InvalidQuery as error:
        page, problem = None, "\n".join(p["message"] for p in error.problems)
    rows = page.rows if page else []
    allowed = rights(g.person, root.doc)
    make = columns(
        [f.doc for f in refs],
        [f.label for f in refs],
        context(names_for(rows, refs)),
        name_field=root.name_field,
        row_url=lambda row: f"/o/{root.name}/{row['id']}",
        editable=lambda n: allowed.edit != "none" and _editable(root, n),
    )
    return {
        "object": root,
        "label": root.label(language().code),
        "plural": root.plural(language().code),
        "color": color_of(root.name),
        "icon_name": root.doc.get("icon", "box"),
        "state": state,
        "views": [(v["name"], text_of(v.get("label"), language().code, v["name"])) for v in views],
        "view": view["name"] if view else "",
        "columns": make,
        "rows": rows,
        "refs": refs,
        "sorts": {s.path: s.descending for s in sorts},
        "total": page.total if page else 0,
        "total_exact": page.total_exact if page else True,
        "cursor": page.cursor if page else None,
        "totals": totals,
        "chips": _chips(root, state),
        "problem": problem,
        "may_create": allowed.create,
        "may_edit": allowed.delete and allowed.may("mass_update"),
        "may_import": allowed.create and allowed.may("import"),
        "filterable": _filterable(root),
        "choosable": choosable(root, refs),
        "own_view": own_view(view),
        "filter_text": text_of_filter(root.name, state),
        "unsortable": {f.path for f in refs if not _can_sort(root, f.path)},
    }


def views_of(name: str) -> list[Mapping[str, Any]]:
    """Return the list views of an object that everybody sees."""
    return [d for d in g.model.display.of_kind("list_view").values() if d["object"] == name and d.get("shared", True)]


def default_columns(root: ObjectModel) -> list[FieldRef]:
    """Return the columns of an object without a list view: its name, then its first fields that fit in a cell."""
    first = [root.name_field] if root.name_field else []
    rest = [f.name for f in root.fields.values() if f.doc["type"] not in NOT_IN_LISTS and f.name not in first]
    return field_refs(root, [*first, *rest[: DEFAULT_COLUMNS - 1], "owner"])


def _sorts(root: ObjectModel, state: ListState, view: Mapping[str, Any] | None) -> tuple[Sort, ...]:
    path = state.sort.lstrip("-")
    if path and field_ref(root, path):
        return (Sort(path, state.sort.startswith("-")),)
    asked = view.get("sort", ()) if view else ()
    return tuple(Sort(s["field"], s.get("direction") == "desc") for s in asked) or (Sort("modified_at", True),)


def _totals(root: ObjectModel, query: Query, refs: list[FieldRef]) -> list[tuple[str, str]]:
    """Return label and text of the totals of the first money column."""
    money = next((f for f in refs if f.model.doc["type"] == "currency" and f.path == f.model.name), None)
    if money is None:
        return []
    total = total_of(query, money.path)
    if total is None:
        return []
    amount, converted = total
    text = render_value(money.doc, {"amount": amount, "currency": g.model.env.default_currency}, context())
    return [(money.label, Markup(_("≈ %(amount)s (converted)")) % {"amount": text} if converted else text)]


def _editable(root: ObjectModel, name: str) -> bool:
    field = root.field(name)
    return (
        field is not None
        and may_enter(root, field)
        and field.type.widget not in ("richtext", "json", "secret", "file", "image")
    )


def _chips(root: ObjectModel, state: ListState) -> list[dict[str, Any]]:
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


def _filterable(root: ObjectModel) -> list[tuple[str, str]]:
    code = language().code
    return [
        (f.name, f.label(code))
        for f in root.all_fields
        if f.is_shown and OPERATORS.get(f.category) and f.name not in ("version", "deleted_at") and _can_query(root, f)
    ]


def _can_query(root: ObjectModel, field: FieldModel) -> bool:
    """Whether records can be filtered by a field: not by a formula that the database cannot compute."""
    return field.stored or refusal_of(g.tenant, g.model, root, field.name) is None


def _can_sort(root: ObjectModel, path: str) -> bool:
    ref = field_ref(root, path)
    if ref is None or ref.model.category in ("opaque", "choices"):
        return False
    return ref.model.stored or refusal_of(g.tenant, g.model, root, path) is None


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
    from dataclasses import replace

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
def bulk_delete(name: str) -> Response:
    """Delete the selected records; the message offers to undo."""
    root = object_model(name)
    ids = [number_of(i, name) for i in request.form.getlist("id")]
    if not ids:
        return refuse(_("Select at least one row."))
    if not rights(g.person, root.doc).may("mass_update"):
        raise Forbidden
    try:
        write(lambda tx: tx.delete(name, ids))
    except RecordsInvalid as error:
        return refuse(next(iter(texts_of(next(e for e in error.errors if e)).values())))
    message = ngettext("%(num)d record deleted", "%(num)d records deleted", len(ids))
    back = request.form.get("back", "")
    undo = {"url": f"/o/{name}/bulk/restore", "values": {"ids": ",".join(request.form.getlist("id"))}}
    return go(back if back.startswith(f"/o/{root.name}") else f"/o/{name}", message, undo=undo)


@needs_person
def bulk_restore(name: str) -> Response:
    """Bring deleted records back."""
    object_model(name)
    ids = [number_of(i, name) for i in request.form.get("ids", "").split(",") if i]
    write(lambda tx: tx.restore(name, ids))
    return go(f"/o/{name}", _("Restored"))
