"""Upsert by external id: ``PUT /records/<object>/external/<system>/<key>``.

Two clients that send the same new key at the same time make one record: the key's row is unique, and the transaction that
loses the race runs again and finds the winner's record.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response

from trellis.access import AccessDenied, rights
from trellis.access.masking import hidden_fields
from trellis.access.writing import reached
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.once import Reply, once
from trellis.api.record_answers import created, written
from trellis.query import get_record
from trellis.record_json import record_writer
from trellis.storage import system
from trellis.transaction import NotFound, Transaction
from trellis.transaction.statements import statements_of

MAX_SYSTEM, MAX_KEY = 60, 255


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of external ids."""

    @blueprint.put("/records/<name>/external/<outside>/<key>")
    def upsert_record(name: str, outside: str, key: str) -> Response:
        reading.allow_parameters(())
        _check(outside, key)
        raw = reading.object_body()
        if "id" in raw:
            raise BadRequest("The external id stands in the address; leave 'id' out of the body.")
        return once(api, lambda tx: _upsert(tx, name, outside, key, raw))

    @blueprint.get("/records/<name>/external/<outside>/<key>")
    def read_external(name: str, outside: str, key: str) -> Response:
        reading.allow_parameters(())
        _check(outside, key)
        body = api.read(lambda r: _read(r, name, outside, key))
        return answer(body, headers={"ETag": f'"{body["version"]}"'})


def _check(outside: str, key: str) -> None:
    for what, text, limit in (("system", outside, MAX_SYSTEM), ("key", key, MAX_KEY)):
        if len(text) > limit or not text.isprintable() or not text.strip():
            raise BadRequest(f"The {what} of an external id is a text of 1 to {limit} printable characters.")


def _record(connection: Any, name: str, outside: str, key: str) -> int | None:
    c = system.external_id.c
    found: int | None = connection.execute(
        sa.select(c.record).where(c.object == name, c.system == outside, c.key == key)
    ).scalar()
    return found


def _read(r: Reading, name: str, outside: str, key: str) -> dict[str, Any]:
    model = r.model.object(name)
    number = _record(r.connection, name, outside, key)
    if number is None:
        raise NotFound(f"There is no such record of '{name}'.")
    write = record_writer(model, hidden_fields(r.principal, model))
    return write(get_record(r.tenant, r.connection, r.model, r.principal, name, number))


def _upsert(tx: Transaction, name: str, outside: str, key: str, raw: dict[str, Any]) -> Reply:
    model = tx.model.object(name)
    if not rights(tx.principal, model.doc).may("import"):
        # Keys of other systems are for those who bring records from there: nobody else takes or probes one.
        raise AccessDenied(f"You may not import records of '{name}': keys of other systems are for those who may.")
    number = _record(tx.connection, name, outside, key)
    if number is not None:
        holder = statements_of(model).fetch(tx.connection, [number]).get(number)
        if holder is not None and holder["deleted_at"] is None:
            return written(tx, tx.update(name, [{**raw, "id": number}])[0])
        if holder is not None and not reached(tx, model, [number]).may_edit(number):
            raise NotFound(f"There is no such record of '{name}'.")
        # The record lies in the recycle bin: the key goes to the new one.
        c = system.external_id.c
        tx.connection.execute(system.external_id.delete().where(c.object == name, c.system == outside, c.key == key))
    outcome = tx.create(name, [raw])[0]
    tx.connection.execute(
        system.external_id.insert(), {"object": name, "system": outside, "key": key, "record": outcome.id}
    )
    return created(tx, outcome)
