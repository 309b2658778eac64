"""Sessions: kept on the server, listed, ended one by one or all together.

A session's key is given out once, at log-in, and renewed whenever its rights grow: after a second factor, with a new password,
on beginning and ending to act as somebody else. A session may be *pending*: then it opens nothing but the page that it waits
for (``second_factor``, ``enrol`` or ``password``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import Principal
from trellis.accounts.digests import digest, public_id
from trellis.accounts.origin import Origin
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import acting_principal, principal_of
from trellis.audit import note
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SEEN_EVERY = timedelta(minutes=1)
PROOF_COUNTS = timedelta(minutes=10)
"""For so long after a proof security changes may be made without another one."""
_S = system.session.c


class UnknownSession(TrellisError):
    """There is no such session of this person."""

    code = "unknown_session"


class ProofNeeded(TrellisError):
    """A change of security needs a proof of who one is that is at most ten minutes old."""

    code = "proof_needed"


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. ``key`` is what the cookie holds; ``csrf`` what its forms must send.

    ``user`` is who logged in; ``principal`` who acts, somebody else while acting as him. ``pending`` names what must be done
    before the session opens anything. ``browser`` is the cookie of the known browser, told at log-in only.
    """

    key: str
    csrf: str
    principal: Principal
    user: int
    method: str = "password"
    pending: str | None = None
    proved_at: datetime | None = None
    reason: str | None = None
    browser: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as lists show it. ``current``: the one that asks."""

    id: str
    user: int
    created_at: datetime
    seen_at: datetime
    agent: str
    address: str
    method: str
    acts_as: int | None
    current: bool

    def to_json(self) -> dict[str, Any]:
        """Return the session for programs."""
        return {
            "id": self.id,
            "created_at": self.created_at,
            "seen_at": self.seen_at,
            "agent": self.agent,
            "address": self.address,
            "method": self.method,
            "current": self.current,
        }


def open_session(
    tenant: Tenant,
    connection: Connection,
    principal: Principal,
    origin: Origin,
    method: str,
    *,
    pending: str | None = None,
    browser: str = "",
) -> Session:
    """Begin a session under a new key."""
    key, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), tenant.clock.now()
    assert principal.user is not None
    row = {"token": digest(key), "user": principal.user, "csrf": csrf, "created_at": now, "seen_at": now}
    more = {"agent": origin.agent[:255], "address": origin.address[:64], "method": method, "pending": pending}
    connection.execute(system.session.insert(), {**row, **more, "proved_at": now})
    return Session(key, csrf, principal, principal.user, method, pending, now, browser=browser)


def find_session(tenant: Tenant, key: str) -> Session | None:
    """Return the session of a cookie, pending ones included; None when it is unknown, too old, or its user may not log in."""
    with tenant.database.reading() as connection:
        found, stale = _find(tenant, connection, key)
    if found is not None and stale:
        with tenant.database.writing() as connection:
            connection.execute(
                system.session.update().where(_S.token == digest(key)).values(seen_at=tenant.clock.now())
            )
    return found


def session_of(tenant: Tenant, key: str) -> Session | None:
    """Return the session of a cookie if it is open; a pending one opens nothing."""
    found = find_session(tenant, key)
    return None if found is None or found.pending else found


def _find(tenant: Tenant, connection: Connection, key: str) -> tuple[Session | None, bool]:
    now = tenant.clock.now()
    row = connection.execute(sa.select(system.session).where(_S.token == digest(key))).mappings().first()
    if row is None:
        return None, False
    who = principal_of(tenant, connection, row["user"])
    policy = policy_of(tenant)
    if who is None or now - row["seen_at"] > policy.idle or now - row["created_at"] > policy.life:
        return None, False
    acts = row["acts_as"]
    principal = who if acts is None else acting_principal(tenant, connection, who, acts, policy.acting)
    if principal is None:
        return None, False
    found = Session(
        key,
        row["csrf"],
        principal,
        row["user"],
        row["method"] or "password",
        row["pending"],
        row["proved_at"],
        row["reason"],
    )
    return found, now - row["seen_at"] > SEEN_EVERY


def renew(tenant: Tenant, connection: Connection, session: Session, **values: Any) -> Session:
    """Give a session a new key and a new token for forms, with what else changes. The old key opens nothing any more."""
    key, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    changed = system.session.update().where(_S.token == digest(session.key))
    if not connection.execute(changed.values(token=digest(key), csrf=csrf, **values)).rowcount:
        raise UnknownSession("The session has ended in the meantime. Log in again.")
    row = connection.execute(sa.select(system.session).where(_S.token == digest(key))).mappings().one()
    return Session(
        key, csrf, session.principal, session.user, session.method, row["pending"], row["proved_at"], row["reason"]
    )


def demand_proof(tenant: Tenant, session: Session) -> None:
    """Raise :class:`ProofNeeded` unless the person proved who he is a short time ago, and acts as himself."""
    if session.principal.behind is not None:
        raise ProofNeeded("Whoever is logged in as somebody else changes none of his security settings.")
    if session.proved_at is None or tenant.clock.now() - session.proved_at > PROOF_COUNTS:
        raise ProofNeeded("Confirm who you are first: with your password, and your second factor if you have one.")


def sessions_of(tenant: Tenant, connection: Connection, user: int, current: str = "") -> list[Listed]:
    """Return a person's sessions that have not run out, the last used first. ``current`` is the key of the asking one."""
    now, policy, own = tenant.clock.now(), policy_of(tenant), digest(current)
    query = sa.select(system.session).where(
        _S.user == user, _S.seen_at > now - policy.idle, _S.created_at > now - policy.life
    )
    rows = connection.execute(query.order_by(_S.seen_at.desc(), _S.token)).mappings()
    return [
        Listed(
            public_id(r["token"]),
            user,
            r["created_at"],
            r["seen_at"],
            r["agent"],
            r["address"] or "",
            r["method"] or "password",
            r["acts_as"],
            r["token"] == own,
        )
        for r in rows
    ]


def end_session(tenant: Tenant, user: int, id: str, by: Principal) -> None:
    """End one session of a person. Raises :class:`UnknownSession`."""
    with tenant.database.writing() as connection:
        keys = connection.execute(sa.select(_S.token).where(_S.user == user)).scalars().all()
        found = [k for k in keys if public_id(k) == id]
        if not found:
            raise UnknownSession("There is no such session.")
        connection.execute(system.session.delete().where(_S.token == found[0]))
        note(tenant, connection, "session_ended", actor=by.user, behind=by.behind, about=("user", user), sessions=1)


def end_all(
    tenant: Tenant, connection: Connection, user: int, by: Principal, *, keep: str = "", because: str = ""
) -> int:
    """End all sessions of a person but the one with the key ``keep``; return how many."""
    gone = connection.execute(system.session.delete().where(_S.user == user, _S.token != digest(keep))).rowcount
    # Whoever acted as this person acts as nobody now.
    gone += connection.execute(system.session.delete().where(_S.acts_as == user)).rowcount
    if gone:
        because_of = {"because": because} if because else {}
        note(
            tenant, connection, "session_ended",
            actor=by.user, behind=by.behind, about=("user", user), sessions=gone, **because_of,
        )  # fmt: skip
    return int(gone)


def log_out(tenant: Tenant, key: str, origin: Origin | None = None) -> None:
    """End a session."""
    with tenant.database.writing() as connection:
        row = connection.execute(sa.select(_S.user, _S.acts_as).where(_S.token == digest(key))).first()
        if row is not None:
            connection.execute(system.session.delete().where(_S.token == digest(key)))
            address = origin.address if origin else None
            if row[1] is not None:
                note(tenant, connection, "acting_ended", actor=row[0], address=address, about=("user", row[1]))
            note(tenant, connection, "logged_out", actor=row[0], address=address)
