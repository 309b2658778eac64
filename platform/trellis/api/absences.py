"""Absences: a person notes his own; an administrator everybody's."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from trellis import absences
from trellis.access import AccessDenied
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.metadata import loaded
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.clock import today
from trellis.record_id import MAX_ID
from trellis.transaction import Transaction


class AbsenceSchema(Schema):
    """From which day to which day somebody is away (both included), and who stands in."""

    user = fields.String(load_default=None, allow_none=True, metadata={"description": "Who; without it yourself."})
    starts_on = fields.Date(required=True, metadata={"description": "First day, in the organisation's zone."})
    ends_on = fields.Date(required=True, metadata={"description": "Last day."})
    stand_in = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "The user who acts for the person. Without: nobody."},
    )
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


SCHEMAS = {"Absence": AbsenceSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/absences")
    def list_absences() -> Response:
        reading.allow_parameters(("user", "past"))
        return answer(api.read(_listed))

    @blueprint.post("/absences")
    def add_absence() -> Response:
        reading.allow_parameters(())
        given = loaded(AbsenceSchema())
        return once(api, lambda tx: _added(tx, given))

    @blueprint.delete(f"/absences/<int(max={MAX_ID}):number>")
    def remove_absence(number: int) -> Response:
        reading.allow_parameters(())
        return once(api, lambda tx: _removed(tx, number))


def _listed(r: Reading) -> dict[str, Any]:
    """Answer with one's own absences; administrators may ask for another's, or with ``user=all`` for everybody's."""
    wanted = request.args.get("user")
    user: int | None = r.principal.user
    if wanted is not None:
        user = None if wanted == "all" else number_of("user", wanted)
        if user != r.principal.user and not r.principal.admin:
            raise AccessDenied("You may see your own absences only.")
    since: date | None = None if reading.flag("past") else today(r.tenant.clock, r.tenant.time_zone)
    return {"absences": [a.to_json(r.model) for a in absences.absences_of(r.connection, user, since=since)]}


def _added(tx: Transaction, given: dict[str, Any]) -> Reply:
    user = tx.principal.user if given["user"] is None else number_of("user", given["user"])
    if user is None:
        raise AccessDenied("Only people are away.")
    stand_in = None if given["stand_in"] is None else number_of("user", given["stand_in"])
    number = absences.add(tx, user, given["starts_on"], given["ends_on"], stand_in=stand_in, note=given["note"])
    return {"id": str(number)}, 201, {}


def _removed(tx: Transaction, number: int) -> Reply:
    absences.remove(tx, number)
    return None, 204, {}
