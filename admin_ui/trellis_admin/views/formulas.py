"""Formulas for people: the filter of a list as text and back, and why a formula field has its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.access import AccessDenied
from trellis.formula import ErrorValue, Step
from trellis.formula.cases import write_value
from trellis.query import InvalidQuery
from trellis.query.explaining import explain_field
from trellis.query.filter_text import NoTextForm, text_of, tree_of
from trellis_admin.i18n import language
from trellis_admin.list_state import Filter, ListState
from trellis_admin.page import go, render, wants_fragment
from trellis_admin.reading import label_of, number_of, object_model, one_record
from trellis_admin.session import needs_person
from trellis_metadata.formula.errors import FormulaError


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/filter-text", "filter_text", apply_text)
    blueprint.add_url_rule("/o/<name>/<record>/why/<field>", "why", why)


def text_of_filter(name: str, state: ListState) -> str:
    """Return what the list is filtered by as a formula; as it was typed where it has no other form."""
    tree = state.filter_tree(None)
    if tree is None:
        return ""
    parts = tree["and"]
    try:
        return text_of(parts[0] if len(parts) == 1 else tree, name, g.model)
    except (NoTextForm, FormulaError):
        return state.where


@needs_person
def apply_text(name: str) -> Response:
    """Turn a formula into the conditions that the builder knows; what it does not know stays a formula."""
    object_model(name)
    text = request.args.get("text", "").strip()
    state = ListState.read(f"/o/{name}", request.args)
    filters, where = _taken_apart(text, name) if text else ((), "")
    return go(state.url(filters=filters, where=where))


def _taken_apart(text: str, name: str) -> tuple[tuple[Filter, ...], str]:
    try:
        tree = tree_of(text, name, g.model)
    except FormulaError:
        # The list shows what is wrong, and the text stays where it can be mended.
        return (), text
    parts = tree["and"] if set(tree) == {"and"} else [tree]
    chips = [(part, Filter.of(part)) for part in parts]
    rest = [part for part, chip in chips if chip is None]
    if not rest:
        return tuple(chip for _part, chip in chips if chip), ""
    try:
        return tuple(chip for _part, chip in chips if chip), text_of(_joined(rest), name, g.model)
    except (NoTextForm, FormulaError):
        return (), text


def _joined(parts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return parts[0] if len(parts) == 1 else {"and": parts}


@needs_person
def why(name: str, record: str, field: str) -> Response:
    """The formula of a field as a tree with the value at each part."""
    root, number = object_model(name), number_of(record, name)
    row, known = one_record(root, record), root.field(field)
    if known is None:
        raise NotFound
    step, problem = None, ""
    try:
        with g.tenant.database.reading() as connection:
            step = explain_field(g.tenant, connection, g.model, g.person, name, number, field)
    except InvalidQuery:
        raise NotFound from None
    except AccessDenied:
        problem = _("This value is computed from fields that you may not see.")
    return render(
        "parts/why.html" if wants_fragment() else "pages/why.html",
        title=known.label(language().code),
        record_title=label_of(row, root),
        record_url=f"/o/{name}/{record}",
        formula=known.doc["formula"],
        step=step,
        shown=_shown,
        problem=problem,
    )


def _shown(step: Step) -> tuple[str, str]:
    """Return the text of a step's value, and what kind of thing it is: ``error``, ``blank`` or nothing special."""
    if isinstance(step.value, ErrorValue):
        return step.value.message, "error"
    if step.value is None:
        return _("blank"), "blank"
    if isinstance(step.value, bool):
        return (_("Yes") if step.value else _("No")), ""
    found = write_value(step.value, "", None)
    return (", ".join(map(str, found)) if isinstance(found, list) else str(found)), ""
