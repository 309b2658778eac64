"""Saved views: lists of records that people keep for themselves or share."""

from __future__ import annotations

from flask import Blueprint, Response

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.describe import visible
from trellis.model import UnknownObject
from trellis.saved_views import as_json, remove_view, save_view, views_for
from trellis.transaction import NotFound


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of saved views."""

    def check(name: str, scope: str) -> None:
        if name not in api.read(visible, scope=scope):
            raise UnknownObject(f"There is no object '{name[:60]}'.")

    @blueprint.get("/records/<name>/views")
    def list_views(name: str) -> Response:
        reading.allow_parameters(())
        check(name, "read")
        return answer(
            {"views": api.read(lambda r: [as_json(r.model, v) for v in views_for(r.connection, r.principal, name)])}
        )

    @blueprint.post("/records/<name>/views")
    def create_view(name: str) -> Response:
        return _saved(name, None, 201)

    @blueprint.put("/records/<name>/views/<view>")
    def replace_view(name: str, view: str) -> Response:
        return _saved(name, _number(view), 200)

    @blueprint.delete("/records/<name>/views/<view>")
    def delete_view(name: str, view: str) -> Response:
        reading.allow_parameters(())
        check(name, "write")
        principal = api.read(lambda r: r.principal, scope="write")
        remove_view(api.tenant(), principal, name, _number(view))
        return Response(status=204)

    def _saved(name: str, view: int | None, status: int) -> Response:
        reading.allow_parameters(())
        body = reading.object_body()
        check(name, "write")
        principal, model = api.read(lambda r: (r.principal, r.model), scope="write")
        return answer(as_json(model, save_view(api.tenant(), principal, name, body, view)), status)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("You have no such view.")
    return int(text)
