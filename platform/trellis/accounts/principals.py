"""A user's number turned into somebody who acts, with the rights of now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.grants import NO_GRANTS, grants_of
from trellis.access.people import kind_of, sets_of
from trellis.access.principal import Principal
from trellis.clock import today
from trellis.storage import system
from trellis.storage.tables.portal import portal

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def principal_of(tenant: Tenant, connection: Connection, user: int) -> Principal | None:
    """Return who a user is now, or None if inactive, deleted or without an account."""
    model = tenant.model_in(connection)
    t = model.object("user")
    f = t.fields
    row = connection.execute(
        sa.select(
            f["name"].column,
            f["language"].column,
            f["time_zone"].column,
            f["active"].column,
            system.credential.c.admin,
            portal.c.record.is_not(None),
        )
        .join(system.credential, system.credential.c.user == t.table.c.id)
        .outerjoin(portal, portal.c.user == t.table.c.id)
        .where(t.table.c.id == user, t.table.c.deleted_at.is_(None))
    ).first()
    if row is None or row[3] is False:
        return None
    language = row[1] or str(tenant.settings.get("language", "en"))
    grants = NO_GRANTS
    # Whoever belongs to somebody outside is no administrator, whatever is stored.
    admin = bool(row[4]) and not row[5]
    if not admin:
        grants = grants_of(model, sets_of(connection, [user], today(tenant.clock, tenant.time_zone))[user])
    return Principal(kind_of(row[5]), user, row[0] or "", admin, language, row[2], grants=grants)


def acting_principal(
    tenant: Tenant, connection: Connection, admin: Principal, user: int, allowed: bool
) -> Principal | None:
    """Return the person as whom an administrator acts, or None if he may not (any more).

    Administrators are not acted for: nobody gets rights by it that he would have to answer for under another's name.
    """
    found = principal_of(tenant, connection, user)
    if found is None or found.admin or not admin.admin or not allowed:
        return None
    return replace(found, behind=admin.user, behind_name=admin.name)
