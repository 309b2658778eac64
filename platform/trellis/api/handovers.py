"""Offboarding over HTTP: what somebody owns, handing it over, how far that is, taking it back. For administrators."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.metadata import loaded
from trellis.api.users import account_number
from trellis.offboarding import UnknownHandover, handover_of, holdings, start, take_back
from trellis.offboarding.destinations import destinations


class DestinationSchema(Schema):
    """Where records go. `value` names the user (his id) or the group; a manager needs none."""

    to = fields.String(required=True, validate=lambda v: v in destinations())
    value = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=80))


class HandoverSchema(Schema):
    """Who gets what: by object, and for all others. With `deactivate` the person's access ends at once."""

    default = fields.Nested(DestinationSchema, load_default=None, allow_none=True)
    objects = fields.Dict(keys=fields.String(), values=fields.Nested(DestinationSchema), load_default=dict)
    deactivate = fields.Boolean(load_default=True)


SCHEMAS = {"NewHandover": HandoverSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of hand-overs."""

    @blueprint.get("/users/<user>/holdings")
    def read_holdings(user: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: _holdings(r, user), scope="setup"))

    @blueprint.post("/users/<user>/handover")
    def begin_handover(user: str) -> Response:
        reading.allow_parameters(())
        r, number = api.read(lambda r: (r, account_number(r, user)), scope="setup")
        given = loaded(HandoverSchema())
        rules = {"default": given["default"], "objects": given["objects"]}
        made = start(r.tenant, r.principal, number, rules, deactivate=given["deactivate"])
        return answer(_read(api, made), 201)

    @blueprint.get("/handovers/<number>")
    def read_handover(number: str) -> Response:
        reading.allow_parameters(())
        return answer(_read(api, _number(number)))

    @blueprint.post("/handovers/<number>/undo")
    def undo_handover(number: str) -> Response:
        reading.allow_parameters(())
        r = api.read(lambda r: r, scope="setup")
        take_back(r.tenant, r.principal, _number(number))
        return answer(_read(api, _number(number)))


def _holdings(r: Reading, user: str) -> dict[str, Any]:
    return {"objects": holdings(r.connection, r.model, account_number(r, user))}


def _read(api: Api, number: int) -> dict[str, Any]:
    return api.read(lambda r: handover_of(r.connection, number).to_json(r.model), scope="setup")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UnknownHandover("There is no such hand-over.")
    return int(text)
