"""Search over all objects that the caller may read: ``GET /search?q=…&objects=a,b&limit=``."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from trellis.access import rights
from trellis.access.objects import known_object
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.records import read_limit_parameter
from trellis.query import Query, run_query
from trellis.search.index import matching_ids
from trellis.storage import system

MAX_TEXT = 200


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of search."""

    @blueprint.get("/search")
    def search() -> Response:
        reading.allow_parameters(("q", "objects", "limit"))
        text = request.args.get("q", "")
        if not text.strip() or len(text) > MAX_TEXT:
            raise BadRequest(f"'q' is a text of 1 to {MAX_TEXT} characters.")
        wanted = [n.strip() for n in request.args["objects"].split(",")] if "objects" in request.args else None
        limit = read_limit_parameter()
        return answer({"results": api.read(lambda r: find(r, text, wanted, limit))})


def find(r: Reading, text: str, wanted: list[str] | None, limit: int) -> list[dict[str, Any]]:
    """Return object, id and title of the records that contain all terms of ``text``. One query per object with hits."""
    names = r.model.object_names if wanted is None else list(dict.fromkeys(wanted))
    readable = [n for n in names if rights(r.principal, r.model.object(n).doc).read != "none"]
    if wanted is not None:
        for name in names:
            known_object(r.principal, r.model, name)
    hits = matching_ids(r.tenant.database.dialect_name, text).subquery()
    c = system.search.c
    query = (
        sa.select(c.object)
        .where(c.record.in_(sa.select(hits.c.record)), c.object.in_(readable))
        .distinct()
        .order_by(c.object)
    )
    results: list[dict[str, Any]] = []
    for name in r.connection.execute(query).scalars().all():
        model = r.model.object(name)
        fields = (model.name_field,) if model.name_field else ("id",)
        page = run_query(r.tenant, r.connection, r.model, r.principal, Query(name, fields, search=text, limit=limit))
        label = model.label(r.principal.language)
        results.extend(
            {"object": name, "label": label, "id": row["id"], "title": _title(row.get(fields[0]), row["id"])}
            for row in page.rows
        )
        if len(results) >= limit:
            break
    return results[:limit]


def _title(value: Any, fallback: str) -> str:
    if isinstance(value, dict):
        return " ".join(str(v) for v in value.values() if v) or fallback
    return fallback if value is None else str(value)
