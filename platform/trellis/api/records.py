"""Records: create, read, change, delete, restore, list, query."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.access.masking import hidden_fields
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest, PreconditionFailed
from trellis.api.once import Reply, once
from trellis.api.record_answers import created, if_match, number_of, page_json, written
from trellis.query import Page, get_record, run_query
from trellis.query.query import read_query
from trellis.record_json import record_writer
from trellis.transaction import Outcome, Transaction, VersionConflict

LIST_PARAMETERS = ("fields", "filter", "sort", "limit", "cursor", "search", "total", "deleted")


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of records."""

    @blueprint.get("/records/<name>")
    def list_records(name: str) -> Response:
        raw = list_query()
        return answer(page_json(api.read(lambda r: _run(r, name, raw))))

    @blueprint.post("/records/<name>/query")
    def query_records(name: str) -> Response:
        reading.allow_parameters(())
        raw = reading.object_body()
        return answer(page_json(api.read(lambda r: _run(r, name, raw))))

    @blueprint.get("/records/<name>/<record>")
    def read_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        body = api.read(lambda r: _get(r, name, record))
        tag = f'"{body["version"]}"'
        if tag in [t.strip().removeprefix("W/") for t in request.headers.get("If-None-Match", "").split(",")]:
            return Response(status=304, headers={"ETag": tag})
        return answer(body, headers={"ETag": tag})

    @blueprint.post("/records/<name>")
    def create_record(name: str) -> Response:
        reading.allow_parameters(())
        raw = reading.json_body()
        return once(api, lambda tx: created(tx, tx.create(name, [raw])[0]))

    @blueprint.patch("/records/<name>/<record>")
    def change_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        raw = reading.object_body()
        if "id" in raw:
            raise BadRequest("The id stands in the address; leave it out of the body.")
        wanted = if_match()
        if wanted is not None and raw.get("version", wanted) != wanted:
            raise BadRequest("If-Match and 'version' in the body differ. Send one of them.")
        row = {**raw, "id": record} if wanted is None else {**raw, "id": record, "version": wanted}
        return once(api, lambda tx: _changed(tx, name, row, wanted))

    @blueprint.delete("/records/<name>/<record>")
    def delete_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        _no_body()
        wanted = if_match()
        return once(api, lambda tx: _deleted(tx, name, record, wanted))

    @blueprint.post("/records/<name>/<record>/restore")
    def restore_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        _no_body()
        return once(api, lambda tx: _restored(tx, name, record))


def list_query() -> dict[str, Any]:
    """Return the JSON form of the query in the request's parameters."""
    reading.allow_parameters(LIST_PARAMETERS)
    raw: dict[str, Any] = {
        k: v for k, v in request.args.items() if k in ("fields", "sort", "limit", "cursor", "search")
    }
    if request.args.get("total") == "estimate":
        raw["total"] = "estimate"
    raw.update({k: reading.flag(k) for k in ("total", "deleted") if k in request.args and k not in raw})
    if "filter" in request.args:
        raw["filter"] = reading.filter_parameter()
    return raw


def read_limit_parameter() -> int:
    """Read ``limit`` (default 50)."""
    from trellis.query.query import DEFAULT_LIMIT, InvalidQuery, read_limit

    problems: list[dict[str, str]] = []
    limit = read_limit(request.args.get("limit", DEFAULT_LIMIT), problems)
    if problems:
        raise InvalidQuery(problems)
    return limit


def _no_body() -> None:
    if request.content_length:
        raise BadRequest("This request takes no body.")


def _run(r: Reading, name: str, raw: dict[str, Any]) -> Page:
    r.model.object(name)
    return run_query(r.tenant, r.connection, r.model, r.principal, read_query(name, raw))


def _get(r: Reading, name: str, record: str) -> dict[str, Any]:
    model = r.model.object(name)
    write = record_writer(model, hidden_fields(r.principal, model))
    return write(get_record(r.tenant, r.connection, r.model, r.principal, name, number_of(name, record)))


def _changed(tx: Transaction, name: str, row: dict[str, Any], wanted: int | None) -> Reply:
    tx.model.object(name)
    number = number_of(name, row["id"])
    try:
        return written(tx, tx.update(name, [{**row, "id": number}])[0])
    except VersionConflict as problem:
        raise (problem if wanted is None else PreconditionFailed(problem.message, **problem.details)) from None


def _deleted(tx: Transaction, name: str, record: str, wanted: int | None) -> Reply:
    tx.model.object(name)
    number = number_of(name, record)
    try:
        tx.delete(name, [number], versions={} if wanted is None else {number: wanted})
    except VersionConflict as problem:
        raise PreconditionFailed(problem.message) from None
    return None, 204, {}


def _restored(tx: Transaction, name: str, record: str) -> Reply:
    tx.model.object(name)
    return {"restored": [_with_id(tx, o) for o in tx.restore(name, [number_of(name, record)])]}, 200, {}


def _with_id(tx: Transaction, outcome: Outcome) -> dict[str, Any]:
    return {"object": outcome.object, "id": tx.model.env.format_id(outcome.object, outcome.id or 0)}
