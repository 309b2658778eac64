"""Deleting the selected records of a list, and bringing them back."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import Forbidden

from trellis.access import rights
from trellis.transaction import RecordsInvalid
from trellis_admin.page import go, refuse
from trellis_admin.reading import number_of, object_model
from trellis_admin.session import needs_person
from trellis_admin.writing import texts_of, write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/bulk/delete", "bulk_delete", bulk_delete, methods=["POST"])
    blueprint.add_url_rule("/o/<name>/bulk/restore", "bulk_restore", bulk_restore, methods=["POST"])


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
