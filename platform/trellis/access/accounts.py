"""People's accounts: who has one, and the door to the parts of ``trellis.accounts``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.memberships import memberships
from trellis.access.principal import SYSTEM, Cause, Principal
from trellis.access.versions import bump_access
from trellis.accounts import browsers, links, tokens
from trellis.accounts.logging_in import log_in
from trellis.accounts.passwords import WeakPassword, hash_password
from trellis.accounts.pauses import LoginFailed, LoginPaused
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import principal_of
from trellis.accounts.sessions import Session, end_all, log_out, session_of
from trellis.accounts.tokens import SCOPES, BadScope, TokenCache, create_token, principal_of_token
from trellis.audit import note
from trellis.storage import system
from trellis.storage.tables.access import member

if TYPE_CHECKING:
    from trellis.tenant import Tenant

STANDARD = "standard"
"""The permission set that accounts get unless others are named."""
_C = system.credential.c


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
    must_change: bool = False,
    by: Principal = SYSTEM,
    **fields: Any,
) -> int:
    """Create a user with an account; return the record's number. Raises ``RecordsInvalid`` or :class:`WeakPassword`.

    Who is no administrator may do what ``permission_sets`` grant. With ``must_change`` the first log-in asks for a new password.
    """
    row = {"login": login, "name": name, "email": email, "language": language, **fields}
    hashed = _hash(tenant, password, (login, name, email)) if password else None

    def body(tx: Any) -> int:
        number = int(tx.create("user", [{k: v for k, v in row.items() if v is not None}])[0].id)
        _open(tenant, tx.connection, number, login, hashed, admin, must_change)
        _assign(tx.connection, number, permission_sets, tx.now)
        bump_access(tx.connection)
        note(tenant, tx.connection, "account_made", actor=by.user, about=("user", number), admin=admin)
        return number

    return tenant.run(SYSTEM, Cause("accounts"), body)


def _hash(tenant: Tenant, password: str, own: Iterable[str | None]) -> str:
    words = [*own, str(tenant.settings.get("organisation") or "")]
    return hash_password(password, least=policy_of(tenant).password_min_length, own=words)


def _open(
    tenant: Tenant, connection: Connection, user: int, login: str, hashed: str | None, admin: bool, must_change: bool
) -> None:
    entry = {"user": user, "login": login.casefold(), "password_hash": hashed, "admin": admin, "failed": 0}
    more = {"must_change": must_change, "changed_at": tenant.clock.now() if hashed else None}
    connection.execute(system.credential.insert(), {**entry, **more})


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
    must_change: bool = False,
    by: Principal = SYSTEM,
) -> None:
    """Let an existing user record log in, or change its password and administrator flag.

    Ends the user's sessions, tokens, links and known browsers: what an old password or right opened opens nothing any more.
    A person without any permission set gets ``permission_sets``.
    """
    hashed = _hash(tenant, password, (login,)) if password else None
    with tenant.database.writing() as connection:
        known = connection.execute(sa.select(_C.user).where(_C.user == user)).first() is not None
        end_access(tenant, connection, user, by, because="account_changed")
        connection.execute(system.credential.delete().where(_C.user == user))
        _open(tenant, connection, user, login, hashed, admin, must_change)
        if not memberships(connection, user=user, kind="permission_set"):
            _assign(connection, user, permission_sets, tenant.clock.now())
        bump_access(connection)
        kind = "account_changed" if known else "account_made"
        note(tenant, connection, kind, actor=by.user, about=("user", user), admin=admin, password=password is not None)


def end_access(tenant: Tenant, connection: Connection, user: int, by: Principal, *, because: str) -> None:
    """End everything that a person has open: sessions, tokens, one-time links; forget his browsers."""
    end_all(tenant, connection, user, by, because=because)
    tokens.revoke_all(tenant, connection, user, by)
    links.end_links(connection, user)
    browsers.forget(connection, user)


__all__ = [
    "SCOPES",
    "STANDARD",
    "BadScope",
    "LoginFailed",
    "LoginPaused",
    "Session",
    "TokenCache",
    "WeakPassword",
    "create_token",
    "create_user",
    "end_access",
    "give_account",
    "hash_password",
    "log_in",
    "log_out",
    "principal_of",
    "principal_of_token",
    "session_of",
]
