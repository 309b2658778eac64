"""People's accounts: passwords (argon2id), sessions kept on the server, and API tokens.

Tokens and session keys are stored as SHA-256: who reads the database cannot use them. A wrong password costs the same time
whether or not the login exists. Ten wrong passwords lock the account for fifteen minutes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import Connection

from trellis.access.grants import NO_GRANTS, grants_of
from trellis.access.memberships import memberships
from trellis.access.people import sets_of
from trellis.access.principal import SYSTEM, Cause, Principal
from trellis.access.versions import bump_access
from trellis.clock import today
from trellis.storage import system
from trellis.storage.tables.access import member
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SESSION_IDLE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=14)
MAX_FAILED = 10
LOCK_TIME = timedelta(minutes=15)
MIN_PASSWORD = 8
SCOPES = ("read", "write", "setup")
STANDARD = "standard"
"""The permission set that accounts get unless others are named."""


class LoginFailed(TrellisError):
    """Login and password do not fit, or the account is locked or inactive. Which of these is not said."""

    code = "login_failed"


class WeakPassword(TrellisError):
    """The password is too short or too common."""

    code = "weak_password"


class BadScope(TrellisError):
    """A token scope that does not exist."""

    code = "bad_scope"


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. ``key`` is what the cookie holds; ``csrf`` what its forms must send."""

    key: str
    csrf: str
    principal: Principal


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex(8))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def create_user(
    tenant: Tenant,
    *,
    login: str,
    name: str,
    password: str | None = None,
    admin: bool = False,
    email: str | None = None,
    language: str = "en",
    permission_sets: Iterable[str] = (STANDARD,),
    **fields: Any,
) -> int:
    """Create a user with an account; return the record's number. Raises ``RecordsInvalid`` or :class:`WeakPassword`.

    Who is no administrator may do what ``permission_sets`` grant.
    """
    row = {"login": login, "name": name, "email": email, "language": language, **fields}

    def body(tx: Any) -> int:
        number = int(tx.create("user", [{k: v for k, v in row.items() if v is not None}])[0].id)
        tx.connection.execute(
            system.credential.insert(),
            {
                "user": number,
                "login": login.casefold(),
                "password_hash": hash_password(password) if password else None,
                "admin": admin,
                "failed": 0,
            },
        )
        _assign(tx.connection, number, permission_sets, tx.now)
        bump_access(tx.connection)
        return number

    return tenant.run(SYSTEM, Cause("accounts"), body)


def _assign(connection: Connection, user: int, sets: Iterable[str], now: datetime) -> None:
    rows = [{"user": user, "kind": "permission_set", "name": n, "created_at": now} for n in sets]
    if rows:
        connection.execute(member.insert(), rows)


def give_account(
    tenant: Tenant,
    user: int,
    login: str,
    *,
    password: str | None = None,
    admin: bool = False,
    permission_sets: Iterable[str] = (STANDARD,),
) -> None:
    """Let an existing user record log in, or change its password and administrator flag. Ends the user's sessions.

    A person without any permission set gets ``permission_sets``.
    """
    hashed = hash_password(password) if password else None
    with tenant.database.writing() as connection:
        connection.execute(system.session.delete().where(system.session.c.user == user))
        connection.execute(system.credential.delete().where(system.credential.c.user == user))
        connection.execute(
            system.credential.insert(),
            {"user": user, "login": login.casefold(), "password_hash": hashed, "admin": admin, "failed": 0},
        )
        if not memberships(connection, user=user, kind="permission_set"):
            _assign(connection, user, permission_sets, tenant.clock.now())
        bump_access(connection)


def hash_password(password: str) -> str:
    """Return the argon2id hash. Raises :class:`WeakPassword`."""
    if len(password) < MIN_PASSWORD or len(set(password)) < 3:
        raise WeakPassword(f"The password needs at least {MIN_PASSWORD} characters, not all the same.")
    return _hasher().hash(password[:200])


def log_in(tenant: Tenant, login: str, password: str, agent: str = "") -> Session:
    """Check a password and open a session. Raises :class:`LoginFailed`."""
    c = system.credential.c
    now = tenant.clock.now()
    with tenant.database.reading() as connection:
        row = (
            connection.execute(sa.select(system.credential).where(c.login == login.strip().casefold()[:255]))
            .mappings()
            .first()
        )
    if not _password_fits(row["password_hash"] if row else None, password):
        if row is not None:
            _note_failure(tenant, row["user"], now)
        raise LoginFailed("Login or password is wrong.")
    assert row is not None
    if row["locked_until"] is not None and row["locked_until"] > now:
        raise LoginFailed("Login or password is wrong.")
    key, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    with tenant.database.writing() as connection:
        principal = principal_of(tenant, connection, row["user"])
        if principal is None:
            raise LoginFailed("Login or password is wrong.")
        connection.execute(system.credential.update().where(c.user == row["user"]).values(failed=0, locked_until=None))
        connection.execute(
            system.session.insert(),
            {
                "token": _digest(key),
                "user": row["user"],
                "csrf": csrf,
                "created_at": now,
                "seen_at": now,
                "agent": agent[:255],
            },
        )
    return Session(key, csrf, principal)


def _password_fits(hashed: str | None, password: str) -> bool:
    try:
        return _hasher().verify(hashed or _nobody(), password[:200]) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def _note_failure(tenant: Tenant, user: int, now: datetime) -> None:
    """Count a wrong password in the database itself, so that guesses side by side are all counted."""
    c = system.credential.c
    with tenant.database.writing() as connection:
        connection.execute(system.credential.update().where(c.user == user).values(failed=c.failed + 1))
        full = system.credential.update().where(c.user == user, c.failed >= MAX_FAILED)
        connection.execute(full.values(failed=0, locked_until=now + LOCK_TIME))


def session_of(tenant: Tenant, key: str) -> Session | None:
    """Return the session of a cookie, or None when it is unknown, too old, or its user may no longer log in."""
    s, now = system.session.c, tenant.clock.now()
    with tenant.database.reading() as connection:
        row = connection.execute(sa.select(system.session).where(s.token == _digest(key))).mappings().first()
        if row is None or now - row["seen_at"] > SESSION_IDLE or now - row["created_at"] > SESSION_LIFE:
            return None
        principal = principal_of(tenant, connection, row["user"])
    if principal is None:
        return None
    if now - row["seen_at"] > timedelta(minutes=5):
        with tenant.database.writing() as connection:
            connection.execute(system.session.update().where(s.token == _digest(key)).values(seen_at=now))
    return Session(key, row["csrf"], principal)


def log_out(tenant: Tenant, key: str) -> None:
    """End a session."""
    with tenant.database.writing() as connection:
        connection.execute(system.session.delete().where(system.session.c.token == _digest(key)))


def principal_of(tenant: Tenant, connection: Connection, user: int) -> Principal | None:
    """Return who a user is now, or None if inactive, deleted or without an account."""
    model = tenant.model_in(connection)
    t = model.object("user")
    f = t.fields
    row = connection.execute(
        sa.select(
            f["name"].column, f["language"].column, f["time_zone"].column, f["active"].column, system.credential.c.admin
        )
        .join(system.credential, system.credential.c.user == t.table.c.id)
        .where(t.table.c.id == user, t.table.c.deleted_at.is_(None))
    ).first()
    if row is None or row[3] is False:
        return None
    language = row[1] or str(tenant.settings.get("language", "en"))
    grants = NO_GRANTS
    if not row[4]:
        grants = grants_of(model, sets_of(connection, [user], today(tenant.clock, tenant.time_zone))[user])
    return Principal("person", user, row[0] or "", bool(row[4]), language, row[2], grants=grants)


def create_token(
    tenant: Tenant, user: int, label: str, scopes: Iterable[str] = SCOPES, expires_at: datetime | None = None
) -> str:
    """Make an API token; it is shown once and stored only as a digest."""
    wanted = list(scopes)
    unknown = [s for s in wanted if s not in SCOPES]
    if unknown:
        raise BadScope(f"'{unknown[0]}' is not a scope; use {', '.join(SCOPES)}.")
    token = f"trl_{secrets.token_urlsafe(30)}"
    with tenant.database.writing() as connection:
        connection.execute(
            system.token.insert(),
            {
                "token": _digest(token),
                "user": user,
                "label": label[:120],
                "scopes": wanted,
                "created_at": tenant.clock.now(),
                "expires_at": expires_at,
            },
        )
    return token


def principal_of_token(tenant: Tenant, connection: Connection, token: str) -> Principal | None:
    """Return on whose behalf a token acts, or None if it is unknown or expired."""
    row = connection.execute(sa.select(system.token).where(system.token.c.token == _digest(token))).mappings().first()
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= tenant.clock.now()):
        return None
    person = principal_of(tenant, connection, row["user"])
    if person is None:
        return None
    return Principal(
        "token",
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

    def get(self, tenant: Tenant, token: str) -> tuple[int, Principal] | None:
        """Return the access version and the principal under it, or None. The caller compares the version in its transaction."""
        entry = self._found.get(_digest(token))
        if entry is None or (entry[1] is not None and entry[1] <= tenant.clock.now()):
            return None
        return entry[0], entry[2]

    def load(self, tenant: Tenant, connection: Connection, token: str) -> tuple[int, Principal] | None:
        """Read a token's principal from the database and remember it."""
        _, version = tenant.state_in(connection)
        digest = _digest(token)
        expires = connection.execute(
            sa.select(system.token.c.expires_at).where(system.token.c.token == digest)
        ).scalar()
        principal = principal_of_token(tenant, connection, token)
        if principal is None:
            return None
        if len(self._found) > 10_000:
            self._found.clear()
        self._found[digest] = (version, expires, principal)
        return version, principal
