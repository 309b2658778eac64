"""People outside: accounts of customers, suppliers and partners, each of whom belongs to one record.

They read what objects share with the portal by a reference to that record (``sharing.portal``), as far as their permission
sets grant it. They write nothing, have no setup, see no users, and get nothing by owner, role, unit, rule, share or default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.access import AccessDenied, Principal
from trellis.access.versions import bump_access
from trellis.accounts.sessions import end_all
from trellis.audit import note_for
from trellis.storage import system
from trellis.storage.tables.portal import portal
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class BadPortal(TrellisError):
    """The user or the record that he shall belong to does not exist, or he is an administrator."""

    code = "bad_portal"


def set_portal(tenant: Tenant, by: Principal, user: int, object_name: str, record: int) -> None:
    """Make a user with an account a person outside, who belongs to a record. Raises :class:`BadPortal`, :class:`AccessDenied`."""
    _demand(by)
    with tenant.database.writing() as connection:
        root = tenant.model_in(connection).object(object_name)
        c, t = system.credential.c, root.table
        admin = connection.execute(sa.select(c.admin).where(c.user == user)).scalar()
        alive = connection.execute(sa.select(t.c.id).where(t.c.id == record, t.c.deleted_at.is_(None))).first()
        if admin is None or admin or object_name == "user" or alive is None:
            raise BadPortal("A portal user has an account, is no administrator, and belongs to a record that exists.")
        connection.execute(portal.delete().where(portal.c.user == user))
        connection.execute(portal.insert(), {"user": user, "object": object_name, "record": record})
        _changed(tenant, connection, by, user, {"portal": object_name, "of": record})


def clear_portal(tenant: Tenant, by: Principal, user: int) -> None:
    """Make a person outside one who works here. Raises :class:`BadPortal`, :class:`AccessDenied`."""
    _demand(by)
    with tenant.database.writing() as connection:
        if not connection.execute(portal.delete().where(portal.c.user == user)).rowcount:
            raise BadPortal("This user is no portal user.")
        _changed(tenant, connection, by, user, {"portal": None})


def _demand(by: Principal) -> None:
    if not (by.admin and by.may("setup")):
        raise AccessDenied("Only an administrator may do this.")


def _changed(tenant: Tenant, connection: sa.Connection, by: Principal, user: int, detail: dict[str, object]) -> None:
    end_all(tenant, connection, user, by, because="account_changed")
    bump_access(connection)
    note_for(tenant, connection, "account_changed", by, about=("user", user), **detail)
