"""Adding to the audit, in the transaction of what happened: both are kept or neither."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.audit.kinds import KINDS
from trellis.storage import outbox
from trellis.storage.outbox import Message
from trellis.storage.tables.audit import audit, seal

if TYPE_CHECKING:
    from trellis.access import Principal
    from trellis.tenant import Tenant

TOPIC = "audit_seal"
SEAL_AFTER = timedelta(minutes=1)
"""How long rows are collected before they are sealed."""


def note(
    tenant: Tenant,
    connection: Connection,
    kind: str,
    *,
    actor: int | None = None,
    behind: int | None = None,
    address: str | None = None,
    about: tuple[str, int | None] | None = None,
    **detail: Any,
) -> None:
    """Add one row. ``about`` names the object and record it is about; ``detail`` is kept as JSON.

    Secrets must not stand in ``detail``. Raises ``KeyError`` for a kind that is not in :data:`KINDS`.
    """
    KINDS[kind]
    hold_back_sealing(tenant, connection)
    name, record = about or (None, None)
    _see_to_seal(tenant, connection)
    connection.execute(
        audit.insert(),
        {
            "at": tenant.clock.now(),
            "kind": kind,
            "actor": actor,
            "behind": behind,
            "address": address and address[:64],
            "object": name,
            "record": record,
            "detail": detail,
        },
    )


def note_for(
    tenant: Tenant,
    connection: Connection,
    kind: str,
    principal: Principal,
    *,
    about: tuple[str, int | None] | None = None,
    **detail: Any,
) -> None:
    """Add one row about what ``principal`` did; one who acted through a token is told from one who logged in."""
    if principal.kind not in ("person", "portal"):
        detail = {**detail, "by": principal.kind if principal.user is not None else principal.name}
    note(tenant, connection, kind, actor=principal.user, behind=principal.behind, about=about, **detail)


def hold_back_sealing(tenant: Tenant, connection: Connection) -> None:
    """Let no batch be sealed until this transaction ends: a row with a smaller number must not come after it."""
    if not tenant.database.is_sqlite:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({tenant.lock_number + 2})")


def _see_to_seal(tenant: Tenant, connection: Connection) -> None:
    """Have the worker seal soon, if the row to come is the first one that is not sealed."""
    last = sa.select(sa.func.coalesce(sa.func.max(seal.c.last), 0)).scalar_subquery()
    if connection.execute(sa.select(audit.c.id).where(audit.c.id > last).limit(1)).first() is None:
        now = tenant.clock.now()
        outbox.put_one(connection, now, TOPIC, Message({}, now + SEAL_AFTER))
