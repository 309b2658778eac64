"""The state of a form while it is filled in: visible, required, read-only, and the defaults. Writes nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from trellis.access import AccessDenied, rights
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.record_answers import number_of
from trellis.model import FieldModel
from trellis.rules.conditions import State
from trellis.rules.form_state import form_state
from trellis.rules.reader import Onlooker
from trellis_metadata.diagnostics import did_you_mean


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route."""

    @blueprint.post("/records/<name>/form-state")
    def read_form_state(name: str) -> Response:
        reading.allow_parameters(())
        body = reading.object_body()
        for key in body:
            if key not in ("id", "values"):
                raise BadRequest(f"Unknown key '{key[:40]}'. Known: id, values.")
        if not isinstance(body.get("values", {}), dict):
            raise BadRequest("'values' is an object: values by field.")
        return answer(api.read(lambda r: _state(r, name, body.get("id"), body.get("values", {}))))


def _state(r: Reading, name: str, record: Any, values: dict[str, Any]) -> dict[str, Any]:
    model = r.model.object(name)
    for key in values:
        if model.field(key) is None:
            raise BadRequest(f"'{name}' has no field '{key[:60]}'.{did_you_mean(key[:60], model.fields)}")
    if record is None and not rights(r.principal, model.doc).create:
        raise AccessDenied(f"You may not create records of '{name}'.")
    if record is not None and not isinstance(record, str):
        raise BadRequest("'id' is the id of a record, a text.")
    number = None if record is None else number_of(name, record)
    reader = Onlooker(r.tenant, r.connection, r.model, r.principal, r.tenant.clock.now())
    found = form_state(reader, model, values, number)
    fields = {f.name: _json(f, found.fields.get(f.name)) for f in model.fields.values()}
    return {"fields": fields, "defaults": dict(found.defaults)}


def _json(field: FieldModel, state: State | None) -> dict[str, Any]:
    known = state or State(required=field.required, read_only=not field.writable)
    body: dict[str, Any] = {"visible": known.visible, "required": known.required, "read_only": known.read_only}
    return {**body, "error": known.error} if known.error else body
