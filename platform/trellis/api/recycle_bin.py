"""The recycle bin over HTTP: what lies in it, over all objects or some, and removing records for ever."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.describe import visible
from trellis.api.errors import BadRequest
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.api.records import read_limit_parameter
from trellis.recycle_bin import deleted_records
from trellis.transaction import NotFound, Transaction


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of the recycle bin."""

    @blueprint.get("/recycle_bin")
    def recycle_bin() -> Response:
        reading.allow_parameters(("objects", "search", "limit", "cursor"))
        limit = read_limit_parameter()
        return answer(api.read(lambda r: _page(r, limit)))

    @blueprint.post("/records/<name>/<record>/purge")
    def purge_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        return once(api, lambda tx: _purged(tx, name, record))


def _page(r: Reading, limit: int) -> dict[str, Any]:
    known = visible(r)
    asked = request.args.get("objects")
    objects = known if asked is None else [n.strip() for n in asked.split(",") if n.strip()]
    for name in objects:
        r.model.object(name)
    wanted = [n for n in objects if n in known]
    search = request.args.get("search", "")[:200]
    try:
        found, cursor = deleted_records(
            r.connection, r.model, r.principal, wanted, limit=limit, after=request.args.get("cursor"), search=search
        )
    except ValueError:
        raise BadRequest("'cursor' is one that an answer gave.") from None
    format_id = r.model.env.format_id
    records = [
        {
            "object": d.object,
            "id": format_id(d.object, d.id),
            "name": d.name,
            "deleted_at": d.deleted_at,
            "deleted_by": d.deleted_by and format_id("user", d.deleted_by),
        }
        for d in found
    ]
    return {"records": records, "cursor": cursor}


def _purged(tx: Transaction, name: str, record: str) -> Reply:
    tx.model.object(name)
    if not tx.purge(name, [number_of(name, record)]):
        raise NotFound(f"There is no such record of '{name}' in the recycle bin.")
    return None, 204, {}
