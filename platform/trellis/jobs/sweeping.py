"""What is looked after now and then, whether or not anybody told: lost rows, schedules, and finished jobs that are old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.jobs import scheduling
from trellis.storage import outbox, system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

KEPT = timedelta(days=30)
"""How long finished and cancelled jobs are shown."""
_O = system.outbox.c


def next_due(connection: Connection) -> datetime | None:
    """Return when something falls due or a lease runs out; None if nothing waits."""
    waiting = sa.select(sa.func.min(_O.due_at)).where(_O.state == outbox.READY)
    running = sa.select(sa.func.min(_O.leased_until)).where(_O.state == outbox.RUNNING)
    moments = [m for q in (waiting, running) if (m := connection.execute(q).scalar()) is not None]
    return min(moments, default=None)


def sweep(tenant: Tenant) -> datetime | None:
    """Free rows that are held behind nothing, keep the schedules of the documents, forget old jobs; return what is due next."""
    now = tenant.clock.now()
    old = sa.and_(_O.state.in_((outbox.DONE, outbox.CANCELLED)), _O.due_at < now - KEPT)
    with tenant.database.reading() as connection:
        stray = _stray(connection)
        forget = connection.execute(sa.select(_O.id).where(old).limit(1)).first() is not None
        stale = scheduling.differs(connection, tenant.model_in(connection).snapshot)
    if stray or forget or stale:
        with tenant.publishing_lock() as connection:
            outbox.release(connection, _stray(connection))
            connection.execute(system.outbox.delete().where(old))
            scheduling.follow(tenant, connection, tenant.model_in(connection).snapshot)
    with tenant.database.reading() as connection:
        return next_due(connection)


def _stray(connection: Connection) -> list[str]:
    """Return the subjects with held rows of which no row is being worked on, waits for another attempt, or is due."""
    held = system.outbox.alias("held")
    ahead = sa.select(_O.id).where(
        _O.subject == held.c.subject, sa.or_(_O.holds.is_not(None), _O.state == outbox.READY)
    )
    query = sa.select(held.c.subject).where(held.c.state == outbox.HELD, ~ahead.exists()).distinct()
    return list(connection.execute(query).scalars())
