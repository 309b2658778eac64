"""Bringing records back from the recycle bin: what undoing a deletion asks for."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from trellis_admin.page import go
from trellis_admin.reading import number_of, object_model
from trellis_admin.session import needs_person
from trellis_admin.writing import write


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/bulk/restore", "bulk_restore", bulk_restore, methods=["POST"])


@needs_person
def bulk_restore(name: str) -> Response:
    """Bring deleted records back."""
    object_model(name)
    ids = [number_of(i, name) for i in request.form.get("ids", "").split(",") if i]
    write(lambda tx: tx.restore(name, ids))
    return go(f"/o/{name}", _("Restored"))
