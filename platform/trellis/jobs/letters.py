"""Dead letters: what was given up, with the reason, and their second life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.storage import outbox, system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_O = system.outbox.c


def dead_letters(tenant: Tenant) -> list[dict[str, Any]]:
    """Return the rows that were set aside, newest first: id, topic, reason, time."""
    with tenant.database.reading() as connection:
        rows = connection.execute(
            sa.select(_O.id, _O.topic, _O.error, _O.created_at)
            .where(_O.state == outbox.DEAD)
            .order_by(_O.id.desc())
            .limit(500)
        )
        return [{"id": r.id, "topic": r.topic, "reason": r.error, "created_at": r.created_at.isoformat()} for r in rows]


def revive(tenant: Tenant, job: int) -> bool:
    """Give a dead letter a new life; return whether there was one of that id.

    It goes before the rows of its subject that were put in after it. Its key is lost, if another row waits under it.
    """
    with tenant.database.writing() as connection:
        key = connection.execute(sa.select(_O.key).where(_O.id == job, _O.state == outbox.DEAD)).scalar()
        taken = key is not None and outbox.is_waiting(connection, key)
        done = connection.execute(
            system.outbox.update()
            .where(_O.id == job, _O.state == outbox.DEAD)
            .values(
                state=outbox.READY, due_at=tenant.clock.now(), attempts=0, error=None, key=None if taken else _O.key
            )
        )
        return bool(done.rowcount)
