"""One-time links: to choose a password when the old one is lost, or for the first time.

A link holds 256 random bits, of which the database knows the digest; it works once, for a limited time, and ends with every
new password. Asking for one is answered the same way whether or not there is such a person.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.principal import SYSTEM, Principal
from trellis.accounts.digests import digest
from trellis.accounts.origin import NOWHERE, Origin
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import principal_of
from trellis.audit import note
from trellis.storage import outbox, system
from trellis.storage.outbox import Message
from trellis.storage.tables.accounts import one_time_link
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "password_link"
PATH = "/password/"
MOST_OPEN = 3
"""So many links that were asked for by the person himself may be open at once; more are not made."""
_L = one_time_link.c


class BadLink(TrellisError):
    """The link is unknown, was used, has run out, or its person may no longer log in. Which is not said."""

    code = "bad_link"


def make_link(tenant: Tenant, user: int, by: Principal = SYSTEM) -> str:
    """Return the key of a link for a person; those made before end. Raises :class:`BadLink` for who cannot log in."""
    with tenant.database.writing() as connection:
        if principal_of(tenant, connection, user) is None:
            raise BadLink("This user has no account or is not active.")
        connection.execute(one_time_link.delete().where(_L.user == user))
        return _make(tenant, connection, user, by.user)


def _make(tenant: Tenant, connection: Connection, user: int, by: int | None) -> str:
    key, now = secrets.token_urlsafe(32), tenant.clock.now()
    life = timedelta(hours=policy_of(tenant).link_hours)
    entry = {"digest": digest(key), "user": user, "created_at": now, "expires_at": now + life, "created_by": by}
    connection.execute(one_time_link.insert(), entry)
    note(tenant, connection, "link_made", actor=by, about=("user", user), expires_at=(now + life).isoformat())
    return key


def ask_for_link(tenant: Tenant, login: str) -> None:
    """Send the person a link if there is one of that login and a way to reach him. Says nothing about either.

    The work is left to the worker, so that the answer takes the same time for everybody.
    """
    payload = {"login": login.strip().casefold()[:255]}
    with tenant.database.writing() as connection:
        outbox.put_one(connection, tenant.clock.now(), TOPIC, Message(payload))


def link_for(tenant: Tenant, connection: Connection, login: str) -> tuple[int, str] | None:
    """Return a person and the key of a new link for him, or None where there is none or too many are open."""
    c, now = system.credential.c, tenant.clock.now()
    user = connection.execute(sa.select(c.user).where(c.login == login)).scalar()
    if user is None or principal_of(tenant, connection, user) is None:
        return None
    connection.execute(one_time_link.delete().where(_L.expires_at <= now))
    opened = sa.select(sa.func.count()).select_from(one_time_link).where(_L.user == user)
    if connection.execute(opened).scalar_one() >= MOST_OPEN:
        return None
    return user, _make(tenant, connection, user, None)


def user_of_link(tenant: Tenant, connection: Connection, key: str) -> int:
    """Return whose link it is. Raises :class:`BadLink`."""
    query = sa.select(_L.user).where(_L.digest == digest(key), _L.expires_at > tenant.clock.now())
    user = connection.execute(query).scalar()
    if user is None or principal_of(tenant, connection, user) is None:
        raise BadLink("This link does not work any more. Ask for a new one.")
    return int(user)


def use_link(tenant: Tenant, connection: Connection, key: str, origin: Origin = NOWHERE) -> int:
    """Use a link up, with all others of its person; return whose it was. Raises :class:`BadLink`."""
    user = user_of_link(tenant, connection, key)
    # Of two that use the link at once, one deletes the row.
    if not connection.execute(one_time_link.delete().where(_L.digest == digest(key))).rowcount:
        raise BadLink("This link does not work any more. Ask for a new one.")
    end_links(connection, user)
    note(tenant, connection, "link_used", actor=user, address=origin.address, about=("user", user))
    return user


def end_links(connection: Connection, user: int) -> None:
    """End all links of a person."""
    connection.execute(one_time_link.delete().where(_L.user == user))
