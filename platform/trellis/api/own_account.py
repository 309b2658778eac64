"""A person's own sessions, tokens and password over HTTP.

Lists and endings take a token too. What widens access (a new token, a new password) takes a session of the person himself
whose proof is at most ten minutes old: a stolen token makes no second one.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from trellis.accounts import tokens
from trellis.accounts.browsers import COOKIE as BROWSER
from trellis.accounts.changing import change_password
from trellis.accounts.origin import Origin
from trellis.accounts.sessions import Session, demand_proof, end_session, sessions_of
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import COOKIE, Api, Reading
from trellis.api.errors import Unauthenticated
from trellis.api.metadata import loaded


class TokenSchema(Schema):
    """A token to be made. Without `expires_at` it lives as long as the security settings allow."""

    label = fields.String(required=True, validate=validate.Length(min=1, max=120))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(tokens.SCOPES)),
        load_default=list(tokens.SCOPES),
        validate=validate.Length(min=1),
        metadata={"description": "What it may do, within the rights of its user."},
    )
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


class PasswordSchema(Schema):
    """The old and the new password. All other sessions end; with `end_tokens` the tokens too."""

    old = fields.String(required=True, validate=validate.Length(max=500))
    new = fields.String(required=True, validate=validate.Length(max=500))
    end_tokens = fields.Boolean(load_default=False)


SCHEMAS = {"NewToken": TokenSchema, "NewPassword": PasswordSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of one's own account."""

    @blueprint.get("/me/sessions")
    def my_sessions() -> Response:
        reading.allow_parameters(())
        key = request.cookies.get(COOKIE, "")
        return answer(api.read(lambda r: {"sessions": [s.to_json() for s in _sessions(r, key)]}))

    @blueprint.delete("/me/sessions/<id>")
    def end_my_session(id: str) -> Response:
        reading.allow_parameters(())
        r = api.read(lambda r: r, scope="write")
        end_session(r.tenant, own_number(r), id, r.principal)
        return Response(status=204)

    @blueprint.get("/me/tokens")
    def my_tokens() -> Response:
        reading.allow_parameters(())
        return answer(
            api.read(lambda r: {"tokens": [t.to_json() for t in tokens.tokens_of(r.connection, own_number(r))]})
        )

    @blueprint.post("/me/tokens")
    def make_my_token() -> Response:
        reading.allow_parameters(())
        session, given = api.session(), loaded(TokenSchema())
        demand_proof(api.tenant(), session)
        made = tokens.create_token(
            api.tenant(), session.user, given["label"], given["scopes"], given["expires_at"], by=session.principal
        )
        return answer({"token": made}, 201)

    @blueprint.delete("/me/tokens/<id>")
    def revoke_my_token(id: str) -> Response:
        reading.allow_parameters(())
        r = api.read(lambda r: r, scope="write")
        tokens.revoke_token(r.tenant, own_number(r), id, r.principal)
        return Response(status=204)

    @blueprint.post("/me/password")
    def change_my_password() -> Response:
        reading.allow_parameters(())
        session, given = api.session(), loaded(PasswordSchema())
        renewed = change_password(
            api.tenant(), session, given["old"], given["new"], end_tokens=given["end_tokens"], origin=origin()
        )
        return with_session(Response(status=204), renewed)


def origin() -> Origin:
    """Return where the request comes from."""
    return Origin(request.remote_addr or "", request.headers.get("User-Agent", ""), request.cookies.get(BROWSER, ""))


def with_session(response: Response, session: Session) -> Response:
    """Give the browser the session's new key; its token for forms comes in a header."""
    response.set_cookie(COOKIE, session.key, httponly=True, samesite="Lax", secure=request.is_secure)
    response.headers["X-CSRF-Token"] = session.csrf
    return response


def own_number(r: Reading) -> int:
    """Return the caller's number. Raises :class:`Unauthenticated` for whoever is no person, or acts as another one."""
    if r.principal.user is None or r.principal.behind is not None:
        raise Unauthenticated("Only a person himself has sessions and tokens.")
    return r.principal.user


def _sessions(r: Reading, key: str) -> list[Any]:
    return sessions_of(r.tenant, r.connection, own_number(r), key)
