"""Access over HTTP: why and who, what people belong to, and shares of records.

Everybody may ask about himself and about records that he may read. About others, and to change what people belong to, it takes
the scope ``setup`` and an administrator.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from trellis.access import AccessDenied, Principal, memberships, shares
from trellis.access.building import progress
from trellis.access.explain import ACTIONS, explain_access
from trellis.access.objects import known_object
from trellis.access.people import person, what, who
from trellis.access.rights import SYSTEM_FIELDS, rights
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.metadata import loaded
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.model import ObjectModel
from trellis.query import get_record
from trellis.record_id import MAX_ID
from trellis.transaction import Transaction


class MembershipSchema(Schema):
    """What a person shall belong to, from a day to a day (both included)."""

    user = fields.String(required=True, metadata={"description": "The user's id."})
    kind = fields.String(required=True, validate=validate.OneOf(memberships.KINDS))
    name = fields.String(required=True, metadata={"description": "The API name; of a unit `tree.unit`."})
    starts_on = fields.Date(load_default=None, allow_none=True, metadata={"description": "First day."})
    ends_on = fields.Date(load_default=None, allow_none=True, metadata={"description": "Last day."})


class ShareSchema(Schema):
    """With whom a record shall be shared. With a `role` the receiver joins the record's team."""

    receiver = fields.Dict(
        required=True, metadata={"description": 'One of: {"user": id}, {"role": name}, {"group": name} …'}
    )
    level = fields.String(load_default="read", validate=validate.OneOf(("read", "edit")))
    role = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=80))
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


SCHEMAS = {"Membership": MembershipSchema, "Share": ShareSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of access."""

    @blueprint.get("/me")
    def me() -> Response:
        reading.allow_parameters(())
        return answer(api.read(_me))

    @blueprint.get("/access/explain")
    def explain() -> Response:
        reading.allow_parameters(("object", "record", "user", "action"))
        return answer(api.read(_explain))

    @blueprint.get("/access/who")
    def who_may() -> Response:
        reading.allow_parameters(("object", "record", "action"))
        return answer(api.read(_who))

    @blueprint.get("/access/what")
    def what_may() -> Response:
        reading.allow_parameters(("user",))
        return answer(api.read(lambda r: {"objects": what(r.tenant, r.connection, r.model, _asked(r))}))

    @blueprint.get("/access/rules")
    def rules() -> Response:
        reading.allow_parameters(())
        tenant = api.read(lambda r: r.tenant, scope="setup")
        return answer({"building": progress(tenant)})

    @blueprint.get("/access/memberships")
    def list_memberships() -> Response:
        reading.allow_parameters(("user", "kind", "name"))
        return answer(api.read(_memberships, scope="setup"))

    @blueprint.post("/access/memberships")
    def add_membership() -> Response:
        reading.allow_parameters(())
        tenant, by = api.read(lambda r: (r.tenant, r.principal.user), scope="setup")
        given = loaded(MembershipSchema())
        number = memberships.add(
            tenant,
            number_of("user", given["user"]),
            given["kind"],
            given["name"],
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            by=by,
        )
        return answer({"id": number}, 201)

    @blueprint.delete(f"/access/memberships/<int(max={MAX_ID}):number>")
    def remove_membership(number: int) -> Response:
        reading.allow_parameters(())
        memberships.remove(api.read(lambda r: r.tenant, scope="setup"), number)
        return Response(status=204)

    @blueprint.get("/records/<name>/<record>/shares")
    def list_shares(name: str, record: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: _shares(r, name, record)))

    @blueprint.post("/records/<name>/<record>/shares")
    def give_share(name: str, record: str) -> Response:
        reading.allow_parameters(())
        given = loaded(ShareSchema())
        return once(api, lambda tx: _give(tx, name, record, given))

    @blueprint.delete("/records/<name>/<record>/shares/<key>")
    def take_share(name: str, record: str, key: str) -> Response:
        reading.allow_parameters(())
        return once(api, lambda tx: _take(tx, name, record, key))


def _me(r: Reading) -> dict[str, Any]:
    one = r.principal
    return {
        "user": one.user and r.model.env.format_id("user", one.user),
        "name": one.name,
        "administrator": one.admin,
        "language": one.language,
        "scopes": sorted(one.scopes) if one.scopes is not None else None,
        "permission_sets": list(one.grants.key),
        "objects": {
            n: _rights_json(one, r.model.object(n))
            for n in r.model.object_names
            if rights(one, r.model.object(n).doc).create or rights(one, r.model.object(n).doc).read != "none"
        },
    }


def _rights_json(one: Principal, root: ObjectModel) -> dict[str, Any]:
    allowed = rights(one, root.doc)
    read_only = [
        f.name
        for f in root.fields.values()
        if allowed.may_read_field(f.name) and not allowed.may_edit_field(f.name) and f.name not in SYSTEM_FIELDS
    ]
    return {
        "create": allowed.create,
        "read": allowed.read,
        "edit": allowed.edit,
        "delete": allowed.delete,
        "actions": sorted(allowed.actions),
        "read_only_fields": read_only,
    }


def _asked(r: Reading) -> Principal:
    """Return the person asked about: the caller, or anybody if an administrator asks."""
    wanted = request.args.get("user")
    number = number_of("user", wanted) if wanted is not None else r.principal.user
    if number == r.principal.user:
        return r.principal
    if not (r.principal.admin and r.principal.may("setup")):
        raise AccessDenied("Only an administrator may ask about others.")
    known = person_with_account(r, number or 0)
    if known is None:
        raise BadRequest("There is no such user.")
    return known


def person_with_account(r: Reading, number: int) -> Principal | None:
    """Return somebody as a principal: with his administrator flag, if he can log in."""
    from trellis.access.people import everybody

    found = next((p for p in everybody(r.tenant, r.connection, r.model) if p.user == number), None)
    return found or person(r.tenant, r.connection, r.model, number)


def _record(r: Reading) -> tuple[ObjectModel, int]:
    """Return the record asked about, which the caller must be able to read."""
    name, record = request.args.get("object"), request.args.get("record")
    if not name or not record:
        raise BadRequest("Name 'object' and 'record'.")
    root = known_object(r.principal, r.model, name)
    number = number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    return root, number


def _action(allowed: tuple[str, ...]) -> str:
    action = request.args.get("action", "read")
    if action not in allowed:
        raise BadRequest(f"'action' is one of {', '.join(allowed)}, not '{action[:40]}'.")
    return action


def _explain(r: Reading) -> dict[str, Any]:
    action, (root, number), asked = _action(ACTIONS), _record(r), _asked(r)
    found = explain_access(r.connection, r.model, asked, root, number, action)
    return found.to_json(r.principal.language)


def _who(r: Reading) -> dict[str, Any]:
    action, (root, number) = _action(("read", "edit")), _record(r)
    people = who(r.tenant, r.connection, r.model, root, number, action)
    return {"people": [{"id": r.model.env.format_id("user", p.user or 0), "name": p.name} for p in people]}


def _memberships(r: Reading) -> dict[str, Any]:
    user = request.args.get("user")
    found = memberships.memberships(
        r.connection,
        user=number_of("user", user) if user else None,
        kind=request.args.get("kind"),
        name=request.args.get("name"),
    )
    return {"memberships": [m.to_json(r.model) for m in found]}


def _shares(r: Reading, name: str, record: str) -> dict[str, Any]:
    known_object(r.principal, r.model, name)
    number = number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    return {"shares": [s.to_json(r.connection, r.model) for s in shares.shares_of(r.connection, number)]}


def _give(tx: Transaction, name: str, record: str, given: dict[str, Any]) -> Reply:
    root = known_object(tx.principal, tx.model, name)
    number = number_of(name, record)
    # Whether the record is there at all comes before whether the receiver is.
    get_record(tx.tenant, tx.connection, tx.model, tx.principal, name, number)
    if len(given["receiver"]) != 1:
        raise BadRequest('\'receiver\' names one: {"user": id}, {"role": name}, {"group": name} …')
    ((kind, value),) = given["receiver"].items()
    principal = shares.receiver_number(tx, str(kind), str(value))
    expires: datetime | None = given["expires_at"]
    shares.give(tx, root, number, principal, given["level"], role=given["role"], expires_at=expires)
    found = shares.shares_of(tx.connection, number)
    return {"shares": [s.to_json(tx.connection, tx.model) for s in found]}, 201, {}


def _take(tx: Transaction, name: str, record: str, key: str) -> Reply:
    root = known_object(tx.principal, tx.model, name)
    kind, _, principal = key.partition(":")
    if not (kind.isdigit() and principal.lstrip("-").isdigit() and len(key) < 30):
        raise BadRequest("A share's key is one that the list of shares names.")
    shares.take(tx, root, number_of(name, record), int(kind), int(principal))
    return None, 204, {}
