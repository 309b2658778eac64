"""API tokens: made once, shown once, stored as digests, with scopes and an end. Listed and revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import SYSTEM, Principal
from trellis.access.versions import bump_access
from trellis.accounts.digests import digest, public_id
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import principal_of
from trellis.audit import note
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SCOPES = ("read", "write", "setup")
USED_EVERY = timedelta(minutes=5)
"""The last use of a token is noted no more often."""
_T = system.token.c


class BadScope(TrellisError):
    """A token scope that does not exist."""

    code = "bad_scope"


class BadExpiry(TrellisError):
    """A token's end lies in the past, or further away than the security settings allow."""

    code = "bad_expiry"


class UnknownToken(TrellisError):
    """There is no such token of this person."""

    code = "unknown_token"


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as lists show it; the token itself is not known any more."""

    id: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the token for programs."""
        return {
            "id": self.id,
            "label": self.label,
            "scopes": list(self.scopes),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "used_at": self.used_at,
        }


def create_token(
    tenant: Tenant,
    user: int,
    label: str,
    scopes: Iterable[str] = SCOPES,
    expires_at: datetime | None = None,
    *,
    by: Principal = SYSTEM,
) -> str:
    """Make an API token; it is shown once and stored only as a digest. Raises :class:`BadScope`, :class:`BadExpiry`.

    Without ``expires_at`` it lives as long as the security settings allow.
    """
    wanted, now = list(dict.fromkeys(scopes)), tenant.clock.now()
    unknown = [s for s in wanted if s not in SCOPES]
    if unknown or not wanted:
        named = f"'{unknown[0][:40]}'" if unknown else "Nothing"
        raise BadScope(f"{named} is not a scope; use {', '.join(SCOPES)}.")
    longest = policy_of(tenant).token_days
    last = now + timedelta(days=longest) if longest else None
    if expires_at is not None and (expires_at <= now or (last is not None and expires_at > last)):
        raise BadExpiry(f"The token must end after now{f' and by {last:%Y-%m-%d %H:%M} UTC' if last else ''}.")
    token = f"trl_{secrets.token_urlsafe(30)}"
    with tenant.database.writing() as connection:
        connection.execute(
            system.token.insert(),
            {
                "token": digest(token),
                "user": user,
                "label": label[:120],
                "scopes": wanted,
                "created_at": now,
                "expires_at": expires_at or last,
            },
        )
        note(
            tenant, connection, "token_made",
            actor=by.user, about=("user", user), token=public_id(digest(token)), label=label[:120], scopes=wanted,
        )  # fmt: skip
    return token


def tokens_of(connection: Connection, user: int) -> list[ListedToken]:
    """Return a person's tokens, the newest first, those that have run out included."""
    query = sa.select(system.token).where(_T.user == user).order_by(_T.created_at.desc(), _T.token)
    return [
        ListedToken(
            public_id(r["token"]), r["label"], tuple(r["scopes"]), r["created_at"], r["expires_at"], r["used_at"]
        )
        for r in connection.execute(query).mappings()
    ]


def revoke_token(tenant: Tenant, user: int, id: str, by: Principal) -> None:
    """End a token at once, in every process. Raises :class:`UnknownToken`."""
    with tenant.database.writing() as connection:
        stored = connection.execute(sa.select(_T.token, _T.label).where(_T.user == user)).all()
        found = [r for r in stored if public_id(r[0]) == id]
        if not found:
            raise UnknownToken("There is no such token.")
        connection.execute(system.token.delete().where(_T.token == found[0][0]))
        bump_access(connection)
        note(
            tenant, connection, "token_revoked",
            actor=by.user, behind=by.behind, about=("user", user), token=id, label=found[0][1],
        )  # fmt: skip


def revoke_all(tenant: Tenant, connection: Connection, user: int, by: Principal) -> int:
    """End all tokens of a person; return how many."""
    gone = int(connection.execute(system.token.delete().where(_T.user == user)).rowcount)
    if gone:
        bump_access(connection)
        note(tenant, connection, "token_revoked", actor=by.user, about=("user", user), tokens=gone)
    return gone


def note_use(tenant: Tenant, token: str) -> None:
    """Keep when a token was last used, to five minutes."""
    now = tenant.clock.now()
    old = sa.or_(_T.used_at.is_(None), _T.used_at < now - USED_EVERY)
    with tenant.database.writing() as connection:
        connection.execute(system.token.update().where(_T.token == digest(token), old).values(used_at=now))


def principal_of_token(tenant: Tenant, connection: Connection, token: str) -> Principal | None:
    """Return on whose behalf a token acts, or None if it is unknown or expired."""
    row = connection.execute(sa.select(system.token).where(_T.token == digest(token))).mappings().first()
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= tenant.clock.now()):
        return None
    person = principal_of(tenant, connection, row["user"])
    if person is None:
        return None
    return Principal(
        # Somebody outside stays outside, also behind a token.
        "token" if person.kind == "person" else person.kind,
        person.user,
        person.name,
        person.admin and "setup" in row["scopes"],
        person.language,
        person.time_zone,
        frozenset(row["scopes"]),
        person.grants,
    )


class TokenCache:
    """Principals by token, for as long as the access version stays the same. Holds digests, never tokens."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, datetime | None, Principal]] = {}
        self._noted: dict[str, datetime] = {}

    def get(self, tenant: Tenant, token: str) -> tuple[int, Principal] | None:
        """Return the access version and the principal under it, or None. The caller compares the version in its transaction."""
        entry = self._found.get(digest(token))
        if entry is None or (entry[1] is not None and entry[1] <= tenant.clock.now()):
            return None
        return entry[0], entry[2]

    def load(self, tenant: Tenant, connection: Connection, token: str) -> tuple[int, Principal] | None:
        """Read a token's principal from the database and remember it."""
        _, version = tenant.state_in(connection)
        stored = digest(token)
        expires = connection.execute(sa.select(_T.expires_at).where(_T.token == stored)).scalar()
        principal = principal_of_token(tenant, connection, token)
        if principal is None:
            return None
        if len(self._found) > 10_000:
            self._found.clear()
        self._found[stored] = (version, expires, principal)
        return version, principal

    def use(self, tenant: Tenant, token: str) -> None:
        """Note that a token was used, at most every five minutes. Must be called outside a transaction."""
        stored, now = digest(token), tenant.clock.now()
        last = self._noted.get(stored)
        if last is None or now - last > USED_EVERY:
            if len(self._noted) > 10_000:
                self._noted.clear()
            self._noted[stored] = now
            note_use(tenant, token)
