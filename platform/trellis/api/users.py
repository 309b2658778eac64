"""What administrators do with people's accounts: end sessions and tokens, make one-time links, remove a second factor."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response

from trellis.accounts import tokens
from trellis.accounts.changing import remove_factor
from trellis.accounts.links import PATH, make_link
from trellis.accounts.policy import change_policy, policy_of
from trellis.accounts.sessions import end_all, end_session, sessions_of
from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.record_answers import number_of
from trellis.storage import system
from trellis.transaction import NotFound


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes of other people's accounts."""

    @blueprint.get("/users/<user>/sessions")
    def list_sessions(user: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: _sessions(r, user), scope="setup"))

    @blueprint.delete("/users/<user>/sessions")
    def end_sessions(user: str) -> Response:
        reading.allow_parameters(())
        r, number = _asked(api, user)
        with r.tenant.database.writing() as connection:
            return answer({"ended": end_all(r.tenant, connection, number, r.principal)})

    @blueprint.delete("/users/<user>/sessions/<id>")
    def end_one_session(user: str, id: str) -> Response:
        reading.allow_parameters(())
        r, number = _asked(api, user)
        end_session(r.tenant, number, id, r.principal)
        return Response(status=204)

    @blueprint.get("/users/<user>/tokens")
    def list_tokens(user: str) -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: _tokens(r, user), scope="setup"))

    @blueprint.delete("/users/<user>/tokens/<id>")
    def revoke_token(user: str, id: str) -> Response:
        reading.allow_parameters(())
        r, number = _asked(api, user)
        tokens.revoke_token(r.tenant, number, id, r.principal)
        return Response(status=204)

    @blueprint.post("/users/<user>/link")
    def make_password_link(user: str) -> Response:
        reading.allow_parameters(())
        r, number = _asked(api, user)
        return answer({"path": PATH + make_link(r.tenant, number, r.principal)}, 201)

    @blueprint.delete("/users/<user>/second-factor")
    def remove_second_factor(user: str) -> Response:
        reading.allow_parameters(())
        r, number = _asked(api, user)
        return answer({"removed": remove_factor(r.tenant, number, r.principal)})

    @blueprint.get("/security")
    def security() -> Response:
        reading.allow_parameters(())
        return answer(api.read(lambda r: policy_of(r.tenant).to_json(), scope="setup"))

    @blueprint.patch("/security")
    def change_security() -> Response:
        reading.allow_parameters(())
        r = api.read(lambda r: r, scope="setup")
        return answer(change_policy(r.tenant, r.principal, reading.object_body()).to_json())


def _asked(api: Api, user: str) -> tuple[Reading, int]:
    """Return the reading (whose connection is closed) and the number of the user who is asked about."""

    def find(r: Reading) -> tuple[Reading, int]:
        return r, account_number(r, user)

    return api.read(find, scope="setup")


def account_number(r: Reading, user: str) -> int:
    """Return the number of a user who has an account. Raises ``NotFound``."""
    number, c = number_of("user", user), system.credential.c
    if r.connection.execute(sa.select(c.user).where(c.user == number)).first() is None:
        raise NotFound("There is no user with an account of this id.")
    return number


def _sessions(r: Reading, user: str) -> dict[str, Any]:
    return {"sessions": [s.to_json() for s in sessions_of(r.tenant, r.connection, account_number(r, user))]}


def _tokens(r: Reading, user: str) -> dict[str, Any]:
    return {"tokens": [t.to_json() for t in tokens.tokens_of(r.connection, account_number(r, user))]}
