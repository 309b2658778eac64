"""Saving the list on screen as a view, and removing one."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from trellis.query import InvalidQuery
from trellis.saved_views import remove_view, save_view
from trellis_admin.list_state import ListState
from trellis_admin.page import go, refuse
from trellis_admin.reading import object_model
from trellis_admin.session import needs_person
from trellis_admin.shown import settings_of, shown_of
from trellis_admin.view_choices import PREFIX


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/views", "save_view", save, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/views/<int:view>/delete", "remove_view", remove, methods=["POST"])


@needs_person
def save(name: str) -> Response:
    """Keep columns, filter and order of the list on screen under a name."""
    root, state = object_model(name), ListState.read(f"/o/{name}", request.form)
    shown = shown_of(root, state)
    query = shown.query
    raw = {
        "label": request.form.get("label", ""),
        "shared": request.form.get("shared") == "true",
        "columns": list(query.fields),
        "filter": query.filter,
        "sort": [f"-{s.path}" if s.descending else s.path for s in query.sort][:3],
        **settings_of(shown),
    }
    try:
        made = save_view(g.tenant, g.person, name, raw)
    except InvalidQuery as error:
        return refuse(error.message)
    return go(f"/o/{name}?view={PREFIX}{made.id}", _("View saved"))


@needs_person
def remove(name: str, view: int) -> Response:
    """Remove a view."""
    object_model(name)
    remove_view(g.tenant, g.person, name, view)
    return go(f"/o/{name}", _("View removed"))
