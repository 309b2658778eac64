"""Where a document or a field is used."""

from __future__ import annotations

from flask import Blueprint, Response, request

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.errors import BadRequest
from trellis.publishing.where_used import where_used


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route. It needs the scope ``setup`` and an administrator."""

    @blueprint.get("/metadata/where-used")
    def uses() -> Response:
        reading.allow_parameters(("kind", "name", "field"))
        kind, name = request.args.get("kind"), request.args.get("name")
        if not kind or not name:
            raise BadRequest("Name 'kind' and 'name' of a document, and 'field' for one field of an object.")
        tenant, snapshot = api.read(lambda r: (r.tenant, r.model.snapshot), scope="setup")
        if kind not in tenant.language.kinds():
            raise BadRequest(f"There is no kind '{kind[:40]}'. Kinds: {', '.join(tenant.language.kinds())}.")
        return answer(
            {
                "uses": [
                    u.to_json() for u in where_used(tenant.language, snapshot, kind, name, request.args.get("field"))
                ]
            }
        )
