"""Changing what proves who somebody is. Every change ends what the old proof had opened, and is noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import SYSTEM, Principal
from trellis.access.versions import bump_access
from trellis.accounts import browsers, links, second_factor, tokens
from trellis.accounts.logging_in import WRONG, begin_session, next_pending
from trellis.accounts.origin import NOWHERE, Origin
from trellis.accounts.passwords import fits, hash_password
from trellis.accounts.pauses import LoginFailed, count, forgive, scopes
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import principal_of
from trellis.accounts.sessions import ProofNeeded, Session, end_all, renew
from trellis.audit import note
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_C = system.credential.c


def own_words(tenant: Tenant, connection: Connection, user: int) -> list[str | None]:
    """Return what a person's password must not hold: his login, name and address, and the organisation's name."""
    model = tenant.model_in(connection).object("user")
    f = model.fields
    query = sa.select(f["login"].column, f["name"].column, f["email"].column).where(model.table.c.id == user)
    row = connection.execute(query).first()
    return [*(row or ()), str(tenant.settings.get("organisation") or "")]


def change_password(
    tenant: Tenant, session: Session, old: str, new: str, *, end_tokens: bool = False, origin: Origin = NOWHERE
) -> Session:
    """Let a person change his own password; return his session under a new key. All his other sessions end.

    Raises :class:`LoginFailed` when ``old`` is wrong, ``WeakPassword``, ``ProofNeeded`` while acting as somebody else.
    """
    if session.principal.behind is not None or session.pending == "second_factor":
        raise ProofNeeded("A password is changed by its owner only.")
    wanted = scopes("proof", str(session.user), origin, known=False)
    with tenant.database.writing() as connection:
        hashed = connection.execute(sa.select(_C.password_hash).where(_C.user == session.user)).scalar()
        count(connection, wanted, tenant.clock.now())
    if not fits(hashed, old):
        raise LoginFailed(WRONG)
    if old == new:
        raise LoginFailed("The new password is the old one.")
    with tenant.database.reading() as connection:
        made = hash_password(
            new, least=policy_of(tenant).password_min_length, own=own_words(tenant, connection, session.user)
        )
    with tenant.database.writing() as connection:
        forgive(connection, wanted)
        _set(tenant, connection, session.user, made, session.principal, end_tokens=end_tokens, keep=session.key)
        pending = next_pending(tenant, connection, session) if session.pending else None
        return renew(tenant, connection, session, pending=pending, proved_at=tenant.clock.now())


def choose_password(
    tenant: Tenant, key: str, new: str, *, end_tokens: bool = True, origin: Origin = NOWHERE, previous: str = ""
) -> Session:
    """Choose a password by a one-time link and log in. All sessions end; a second factor is still asked for.

    Raises ``BadLink`` and ``WeakPassword``; the link of a password that is too weak goes on working.
    """
    with tenant.database.reading() as connection:
        user = links.user_of_link(tenant, connection, key)
        own = own_words(tenant, connection, user)
    made = hash_password(new, least=policy_of(tenant).password_min_length, own=own)
    with tenant.database.writing() as connection:
        user = links.use_link(tenant, connection, key, origin)
        principal = principal_of(tenant, connection, user)
        assert principal is not None
        _set(tenant, connection, user, made, principal, end_tokens=end_tokens)
        return begin_session(tenant, connection, principal, origin, "link", previous=previous)


def _set(
    tenant: Tenant,
    connection: Connection,
    user: int,
    hashed: str,
    by: Principal,
    *,
    end_tokens: bool,
    keep: str = "",
) -> None:
    values = {"password_hash": hashed, "must_change": False, "changed_at": tenant.clock.now()}
    connection.execute(system.credential.update().where(_C.user == user).values(**values))
    note(tenant, connection, "password_changed", actor=by.user, about=("user", user))
    end_all(tenant, connection, user, by, keep=keep, because="password_changed")
    links.end_links(connection, user)
    browsers.forget(connection, user)
    if end_tokens:
        tokens.revoke_all(tenant, connection, user, by)
    bump_access(connection)


def demand_change(tenant: Tenant, user: int) -> None:
    """Let a person log in only to choose a new password."""
    with tenant.database.writing() as connection:
        connection.execute(system.credential.update().where(_C.user == user).values(must_change=True))
        end_all(tenant, connection, user, SYSTEM, because="password_must_change")


def confirm_factor(tenant: Tenant, session: Session, code: str) -> tuple[Session, list[str]]:
    """Confirm a new second factor; return the session under a new key, and the recovery codes. His other sessions end."""
    with tenant.database.writing() as connection:
        codes = second_factor.confirm(tenant, connection, session.user, code)
        end_all(tenant, connection, session.user, session.principal, keep=session.key, because="second_factor_set")
        pending = next_pending(tenant, connection, session) if session.pending else None
        return renew(tenant, connection, session, pending=pending, proved_at=tenant.clock.now()), codes


def remove_factor(tenant: Tenant, user: int, by: Principal) -> bool:
    """Remove a person's second factor, end his sessions and forget his browsers; return whether there was one."""
    with tenant.database.writing() as connection:
        had = second_factor.remove(tenant, connection, user, by.user)
        if had and by.user != user:
            end_all(tenant, connection, user, by, because="second_factor_removed")
            browsers.forget(connection, user)
        return had
