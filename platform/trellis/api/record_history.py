"""The history of a record: its changes in pages, and taking one back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of, written
from trellis.api.records import read_limit_parameter
from trellis.history import Change, history_of, restorable, take_back
from trellis.model import ObjectModel
from trellis.transaction import NotFound, Transaction


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of history."""

    @blueprint.get("/records/<name>/<record>/history")
    def history(name: str, record: str) -> Response:
        reading.allow_parameters(("limit", "cursor", "field"))
        limit, before = read_limit_parameter(), _cursor()
        return answer(api.read(lambda r: _page(r, name, record, limit, before, request.args.get("field"))))

    @blueprint.post("/records/<name>/<record>/history/<change>/restore")
    def restore_change(name: str, record: str, change: str) -> Response:
        reading.allow_parameters(())
        fields = _fields(reading.object_body())
        return once(api, lambda tx: _taken_back(tx, name, record, change, fields))


def _cursor() -> int | None:
    text = request.args.get("cursor")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("'cursor' is one that an answer gave.")
    return int(text)


def _fields(body: dict[str, Any]) -> list[str]:
    fields = body.get("fields", [])
    if set(body) - {"fields"} or not isinstance(fields, list) or not all(isinstance(f, str) for f in fields):
        raise BadRequest('The body is {} for all values of the change, or {"fields": ["amount"]}.')
    return fields


def _page(r: Reading, name: str, record: str, limit: int, before: int | None, field: str | None) -> dict[str, Any]:
    root = r.model.object(name)
    if field is not None and root.field(field) is None:
        raise BadRequest(f"'{name}' has no field '{field[:60]}'.")
    number = number_of(name, record)
    page = history_of(
        r.tenant, r.connection, r.model, r.principal, name, number, limit=limit, before=before, field=field
    )
    cursor = None if page.before is None else str(page.before)
    return {"changes": [_json(root, c) for c in page.changes], "cursor": cursor}


def _json(root: ObjectModel, change: Change) -> dict[str, Any]:
    return {
        "id": str(change.id),
        "at": change.at,
        "actor": change.actor and root.env.format_id("user", change.actor),
        "cause": change.cause,
        "action": change.action,
        "version": change.version,
        "changes": {name: {"from": old, "to": new} for name, (old, new) in change.values.items()},
        "restorable": restorable(root, change),
    }


def _taken_back(tx: Transaction, name: str, record: str, change: str, fields: list[str]) -> Reply:
    if not (change.isascii() and change.isdigit() and len(change) < 19):
        raise NotFound("There is no such change of this record.")
    tx.model.object(name)
    return written(tx, take_back(tx, name, number_of(name, record), int(change), fields))
