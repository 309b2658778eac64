"""Records: create, read, change, delete, restore, list, query, upsert by external id."""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from trellis import record_id
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest, PreconditionFailed
from trellis.model import ObjectModel
from trellis.query import Page, get_record, run_query
from trellis.query.query import read_query
from trellis.record_json import record_writer
from trellis.storage import system
from trellis.transaction import NotFound, Outcome, Transaction
from trellis_metadata.errors import TrellisError

LIST_PARAMETERS = ("fields", "filter", "sort", "limit", "cursor", "search", "total", "deleted")


class IdempotencyConflict(TrellisError):
    """The Idempotency-Key was used before for another request."""

    code = "idempotency_conflict"


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of records."""

    @blueprint.get("/records/<name>")
    def list_records(name: str) -> Response:
        reading.allow_parameters(LIST_PARAMETERS)
        raw: dict[str, Any] = {k: v for k, v in request.args.items() if k in ("fields", "sort", "limit", "cursor", "search")}
        raw.update({k: _flag(k) for k in ("total", "deleted") if k in request.args})
        if "filter" in request.args:
            raw["filter"] = reading.json_parameter("filter")
        return answer(page_json(api.read(lambda r: _run(r, name, raw))))

    @blueprint.post("/records/<name>/query")
    def query_records(name: str) -> Response:
        reading.allow_parameters(())
        raw = reading.object_body()
        return answer(page_json(api.read(lambda r: _run(r, name, raw))))

    @blueprint.get("/records/<name>/<record>")
    def read_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        model, values = api.read(lambda r: _get(r, name, record))
        tag = f'"{values["version"]}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(status=304, headers={"ETag": tag})
        return answer(record_writer(model)(values), headers={"ETag": tag})

    @blueprint.post("/records/<name>")
    def create_record(name: str) -> Response:
        reading.allow_parameters(())
        raw = reading.json_body()
        return _once(api, lambda tx: _created(tx, tx.create(name, [raw])[0]))

    @blueprint.patch("/records/<name>/<record>")
    def change_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        raw = reading.object_body()
        if "id" in raw:
            raise BadRequest("The id stands in the address; leave it out of the body.")
        row = {**raw, "id": record, **_if_match()}
        return _once(api, lambda tx: _written(tx, tx.update(name, [row])[0]))

    @blueprint.delete("/records/<name>/<record>")
    def delete_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        number = _number(api, name, record)
        version = _if_match().get("version")
        api.write(lambda tx: tx.delete(name, [number], versions={} if version is None else {number: version}))
        return Response(status=204)

    @blueprint.post("/records/<name>/<record>/restore")
    def restore_record(name: str, record: str) -> Response:
        reading.allow_parameters(())
        number = _number(api, name, record)
        outcomes = api.write(lambda tx: [_with_id(tx, o) for o in tx.restore(name, [number])])
        return answer({"restored": outcomes})

    @blueprint.put("/records/<name>/external/<outside>/<key>")
    def upsert_record(name: str, outside: str, key: str) -> Response:
        reading.allow_parameters(())
        raw = reading.object_body()
        return _once(api, lambda tx: _upsert(tx, name, outside, key, raw))

    @blueprint.get("/records/<name>/<record>/history")
    def history(name: str, record: str) -> Response:
        reading.allow_parameters(("limit",))
        problems: list[dict[str, str]] = []
        limit = read_limit_parameter(problems)
        return answer(api.read(lambda r: _history(r, name, record, limit)))


def read_limit_parameter(problems: list[dict[str, str]]) -> int:
    """Read ``limit`` (default 50)."""
    from trellis.query.query import DEFAULT_LIMIT, InvalidQuery, read_limit

    limit = read_limit(request.args.get("limit", DEFAULT_LIMIT), problems)
    if problems:
        raise InvalidQuery(problems)
    return limit


def page_json(page: Page) -> dict[str, Any]:
    """Return a page in its JSON form."""
    body: dict[str, Any] = {"records": page.rows, "cursor": page.cursor}
    if page.total is not None:
        body["total"] = page.total
    return body


def _flag(name: str) -> bool:
    text = request.args[name]
    if text not in ("true", "false"):
        raise BadRequest(f"'{name}' is true or false, not '{text[:40]}'.")
    return text == "true"


def _run(r: Reading, name: str, raw: dict[str, Any]) -> Page:
    r.model.object(name)
    return run_query(r.tenant, r.connection, r.model, r.principal, read_query(name, raw))


def _get(r: Reading, name: str, record: str) -> tuple[ObjectModel, dict[str, Any]]:
    model = r.model.object(name)
    return model, get_record(r.tenant, r.connection, r.model, r.principal, name, number_of(name, record))


def number_of(name: str, record: str) -> int:
    """Return the number of a record from its external id in an address; a malformed one is simply not found."""
    try:
        return record_id.parse_id(record, [name])[1]
    except record_id.BadRecordId as problem:
        raise NotFound(problem.message) from None


def _number(api: Api, name: str, record: str) -> int:
    api.read(lambda r: r.model.object(name), scope="write")
    return number_of(name, record)


def _if_match() -> dict[str, int]:
    text = request.headers.get("If-Match")
    if text is None or text == "*":
        return {}
    plain = text.strip().removeprefix("W/").strip('"')
    if not plain.isascii() or not plain.isdigit() or len(plain) > 9:
        raise PreconditionFailed(f"If-Match holds a record's version such as \"3\", found {text[:40]}.")
    return {"version": int(plain)}


def _written(tx: Transaction, outcome: Outcome, status: int = 200) -> tuple[dict[str, Any], int, dict[str, str]]:
    return record_writer(tx.model.object(outcome.object))({**outcome.values, "id": outcome.id}), status, {"ETag": f'"{outcome.version}"'}


def _created(tx: Transaction, outcome: Outcome) -> tuple[dict[str, Any], int, dict[str, str]]:
    body, status, headers = _written(tx, outcome, 201)
    return body, status, {**headers, "Location": f"/api/v1/records/{outcome.object}/{body['id']}"}


def _with_id(tx: Transaction, outcome: Outcome) -> dict[str, Any]:
    return {"object": outcome.object, "id": tx.model.env.format_id(outcome.object, outcome.id or 0)}


def _upsert(tx: Transaction, name: str, outside: str, key: str, raw: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    tx.model.object(name)
    c = system.external_id.c
    query = sa.select(c.record).where(c.object == name, c.system == outside[:60], c.key == key[:255])
    number = tx.connection.execute(query).scalar()
    if number is None:
        outcome = tx.create(name, [raw])[0]
        tx.connection.execute(system.external_id.insert(), {"object": name, "system": outside[:60], "key": key[:255], "record": outcome.id})
        return _created(tx, outcome)
    return _written(tx, tx.update(name, [{**raw, "id": number}])[0])


Body = Callable[[Transaction], tuple[dict[str, Any], int, dict[str, str]]]


def _once(api: Api, body: Body) -> Response:
    """Run a write; with an ``Idempotency-Key`` a repetition gets the first answer and writes nothing."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        result, status, headers = api.write(body)
        return answer(result, status, headers)
    if not key.isprintable() or not 1 <= len(key) <= 200:
        raise BadRequest("Idempotency-Key is a text of 1 to 200 printable characters.")
    digest = hashlib.sha256(b"\n".join([request.method.encode(), request.path.encode(), request.get_data()])).hexdigest()
    return api.write(lambda tx: _remembered(tx, key, digest, body))


def _remembered(tx: Transaction, key: str, digest: str, body: Body) -> Response:
    c, actor = system.idempotency.c, tx.principal.user or 0
    row = tx.connection.execute(sa.select(system.idempotency).where(c.key == key, c.actor == actor)).mappings().first()
    if row is not None:
        if row["request"] != digest:
            raise IdempotencyConflict("This Idempotency-Key was used for another request. Use a new one.")
        return Response(row["body"], row["status"], {"Idempotency-Replayed": "true"}, mimetype="application/json")
    result, status, headers = body(tx)
    response = answer(result, status, headers)
    tx.connection.execute(system.idempotency.insert(), {"key": key, "actor": actor, "request": digest, "status": status,
                                                        "body": response.get_data(as_text=True), "at": tx.now})
    return response


def _history(r: Reading, name: str, record: str, limit: int) -> dict[str, Any]:
    number = number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    c = system.change.c
    query = sa.select(c.id, c.at, c.actor, c.cause, c.action, c.version, c["values"]).where(c.record == number, c.object == name)
    rows = r.connection.execute(query.order_by(c.id.desc()).limit(limit)).mappings().all()
    known = r.model.object(name).fields
    changes = [{"at": row["at"], "actor": row["actor"] and r.model.env.format_id("user", row["actor"]), "cause": row["cause"],
                "action": row["action"], "version": row["version"],
                "changes": {k: {"from": v[0], "to": v[1]} for k, v in (row["values"] or {}).items() if k in known or k == "owner"}}
               for row in rows]
    return {"changes": changes}
