"""Marking a record as a favourite."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from trellis.bookmarks import TooManyFavourites, set_favourite
from trellis_admin.page import go, refuse
from trellis_admin.reading import number_of, object_model, one_record
from trellis_admin.session import needs_person


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/o/<name>/<record>/favourite", "favourite", favourite, methods=["POST"])


@needs_person
def favourite(name: str, record: str) -> Response:
    """Mark the record, or take the mark off (``off``)."""
    root = object_model(name)
    one_record(root, record)
    try:
        set_favourite(g.tenant, g.person, (name, number_of(record, name)), "off" not in request.form)
    except TooManyFavourites as error:
        return refuse(error.message)
    return go(f"/o/{name}/{record}")
