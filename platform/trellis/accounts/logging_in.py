"""Logging in: the password, then what else the account or the rules ask for, then a session.

A wrong password costs the same time whether or not the login exists, and is answered in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import Principal
from trellis.accounts import browsers, second_factor
from trellis.accounts.digests import digest
from trellis.accounts.origin import NOWHERE, Origin
from trellis.accounts.passwords import fits
from trellis.accounts.pauses import LoginFailed, LoginPaused, Scope, count, forgive, scopes
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import principal_of
from trellis.accounts.second_factor import WrongCode
from trellis.accounts.sessions import ProofNeeded, Session, open_session, renew
from trellis.audit import note
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

WRONG = "Login or password is wrong."
SECOND_FACTOR, ENROL, PASSWORD = "second_factor", "enrol", "password"
_C = system.credential.c


def log_in(tenant: Tenant, login: str, password: str, origin: Origin = NOWHERE, *, previous: str = "") -> Session:
    """Check a password and open a session, which may be pending (:class:`Session`).

    ``previous`` is the key that the browser held: that session ends, whoever it was, so that no key from before a log-in
    is good for anything after it. Raises :class:`LoginFailed`.
    """
    plain = login.strip().casefold()[:255]
    with tenant.database.reading() as connection:
        row = connection.execute(sa.select(system.credential).where(_C.login == plain)).mappings().first()
    user = row["user"] if row is not None else None
    attempt = _counted(tenant, "password", plain, user, origin)
    if not fits(row["password_hash"] if row is not None else None, password):
        _refuse(tenant, origin, user, plain, "password", attempt)
    assert row is not None
    with tenant.database.writing() as connection:
        principal = principal_of(tenant, connection, row["user"])
        forgive(connection, attempt.scopes)
        if principal is None:
            note(tenant, connection, "log_in_failed", address=origin.address, about=("user", user), reason="inactive")
        else:
            return begin_session(tenant, connection, principal, origin, "password", previous=previous)
    raise LoginFailed(WRONG)


def begin_session(
    tenant: Tenant, connection: Connection, principal: Principal, origin: Origin, method: str, *, previous: str = ""
) -> Session:
    """Open a session for somebody whose first proof was right: by ``password``, ``link`` or ``sso``."""
    assert principal.user is not None
    if previous:
        connection.execute(system.session.delete().where(system.session.c.token == digest(previous)))
    pending = _pending(tenant, connection, principal, method)
    # Only who has shown everything makes a browser a known one.
    browser = "" if pending == SECOND_FACTOR else _remember(tenant, connection, principal.user, origin)
    if pending != SECOND_FACTOR:
        _note_log_in(tenant, connection, principal.user, origin, method)
    return open_session(tenant, connection, principal, origin, method, pending=pending, browser=browser)


def _pending(tenant: Tenant, connection: Connection, principal: Principal, method: str) -> str | None:
    """Return what stands between the first proof and an open session.

    Whoever comes from an identity provider has shown there what that provider asks for; a second factor of ours is asked all
    the same where the person has one.
    """
    assert principal.user is not None
    if second_factor.has_factor(connection, principal.user):
        return SECOND_FACTOR
    return _still_pending(tenant, connection, principal, method)


def _still_pending(tenant: Tenant, connection: Connection, principal: Principal, method: str) -> str | None:
    must = connection.execute(sa.select(_C.must_change).where(_C.user == principal.user)).scalar()
    if must and method == "password":
        return PASSWORD
    enrolled = second_factor.has_factor(connection, principal.user or 0)
    if method != "sso" and not enrolled and policy_of(tenant).requires_second_factor(principal):
        return ENROL
    return None


def next_pending(tenant: Tenant, connection: Connection, session: Session) -> str | None:
    """Return what a session waits for after one thing was done."""
    return _still_pending(tenant, connection, session.principal, session.method)


def pass_second_factor(tenant: Tenant, session: Session, code: str, origin: Origin = NOWHERE) -> Session:
    """Take the second proof of a pending session; return it under a new key. Raises :class:`WrongCode`, ``LoginPaused``."""
    if session.pending != SECOND_FACTOR:
        raise WrongCode("This session does not wait for a code.")
    attempt = _counted(tenant, "factor", str(session.user), session.user, origin)
    try:
        with tenant.database.writing() as connection:
            second_factor.check(tenant, connection, session.user, code)
            forgive(connection, attempt.scopes)
            browser = _remember(tenant, connection, session.user, origin)
            _note_log_in(tenant, connection, session.user, origin, session.method, second_factor=True)
            pending = next_pending(tenant, connection, session)
            found = renew(tenant, connection, session, pending=pending, proved_at=tenant.clock.now())
    except WrongCode:
        _note_failure(tenant, origin, session.user, "", "second_factor", attempt)
        raise
    return replace(found, browser=browser)


def prove(tenant: Tenant, session: Session, password: str, code: str = "", origin: Origin = NOWHERE) -> Session:
    """Prove again who one is, for a change of security; return the session under a new key.

    It takes the password, and the code too of who has a second factor. Raises :class:`LoginFailed`, :class:`WrongCode`,
    and :class:`ProofNeeded` while acting as somebody else.
    """
    if session.principal.behind is not None:
        raise ProofNeeded("Whoever is logged in as somebody else changes none of his security settings.")
    with tenant.database.reading() as connection:
        hashed = connection.execute(sa.select(_C.password_hash).where(_C.user == session.user)).scalar()
        factor = second_factor.has_factor(connection, session.user)
    attempt = _counted(tenant, "proof", str(session.user), session.user, origin)
    if (hashed is not None or not factor) and not fits(hashed, password):
        _refuse(tenant, origin, session.user, "", "proof", attempt)
    with tenant.database.writing() as connection:
        if factor:
            second_factor.check(tenant, connection, session.user, code)
        forgive(connection, attempt.scopes)
        return renew(tenant, connection, session, proved_at=tenant.clock.now())


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A proof that was counted. ``paused``: the next one will have to wait if this one is wrong."""

    scopes: list[Scope]
    paused: bool


def _counted(tenant: Tenant, purpose: str, who: str, user: int | None, origin: Origin) -> _Attempt:
    """Count a proof before it is looked at. Raises :class:`LoginPaused`."""
    now = tenant.clock.now()
    with tenant.database.writing() as connection:
        known = browsers.is_known(connection, user, origin.browser, now)
        wanted = scopes(purpose, who, origin, known=known)
        return _Attempt(wanted, count(connection, wanted, now))


def _refuse(tenant: Tenant, origin: Origin, user: int | None, login: str, reason: str, attempt: _Attempt) -> None:
    """Note a wrong proof and raise :class:`LoginFailed`."""
    _note_failure(tenant, origin, user, login, reason, attempt)
    raise LoginFailed(WRONG)


def _note_failure(tenant: Tenant, origin: Origin, user: int | None, login: str, reason: str, attempt: _Attempt) -> None:
    """Note a wrong proof. A login that nobody has is kept as a digest: people type passwords there."""
    about = ("user", user) if user is not None else None
    unknown: dict[str, Any] = {"unknown": digest(login)[:16]} if user is None else {}
    kind = "log_in_paused" if attempt.paused else "log_in_failed"
    with tenant.database.writing() as connection:
        note(tenant, connection, kind, address=origin.address, about=about, reason=reason, **unknown)


def _remember(tenant: Tenant, connection: Connection, user: int, origin: Origin) -> str:
    return browsers.remember(connection, user, origin.browser, tenant.clock.now())


def _note_log_in(
    tenant: Tenant, connection: Connection, user: int, origin: Origin, method: str, *, second_factor: bool = False
) -> None:
    agent: dict[str, Any] = {"agent": origin.agent[:255]} if origin.agent else {}
    note(
        tenant, connection, "logged_in",
        actor=user, address=origin.address, method=method, second_factor=second_factor, **agent,
    )  # fmt: skip


__all__ = ["LoginFailed", "LoginPaused", "begin_session", "log_in", "pass_second_factor", "prove"]
