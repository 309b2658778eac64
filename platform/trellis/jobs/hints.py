"""Which tenants have something to do: a moment per tenant in the control database, so that idle tenants cost nothing.

``next_due_at`` is the moment of the last write that was told, or the next moment at which something falls due, as a worker found it.
Writers tell at most once a second; a worker replaces a moment only when it is older than :data:`SETTLE`, by then nothing that was
not told again can have been written, and only if it is still the one that it saw. What is lost all the same (a crash between a commit
and its hint) is found by the slow sweep of ``trellis.worker``.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta

import sqlalchemy as sa

from trellis.storage import control
from trellis.storage.engines import Database

log = logging.getLogger("trellis.worker")
TELL_S = 1.0
SETTLE = timedelta(seconds=3)
_T = control.tenant.c


class DueHints:
    """The hints of one control database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._control = database
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def touch(self, tenant: str, now: datetime) -> None:
        """Tell that something was written at ``now``. Never fails: the write is done, and the sweep finds what was not told."""
        with self._lock:
            moment = time.monotonic()
            if moment - self._told.get(tenant, float("-inf")) < TELL_S:
                return
            self._told[tenant] = moment
        try:
            with self._control.writing() as connection:
                connection.execute(control.tenant.update().where(_T.name == tenant).values(next_due_at=now))
        except sa.exc.SQLAlchemyError:
            log.warning("the hint for tenant '%s' is lost", tenant, exc_info=True)
            self._told.pop(tenant, None)

    def due(self, now: datetime) -> dict[str, datetime]:
        """Return the tenants that may have something to do, with the moments of their hints."""
        query = sa.select(_T.name, _T.next_due_at).where(_T.next_due_at <= now).order_by(_T.name)
        with self._control.reading() as connection:
            return {r.name: r.next_due_at for r in connection.execute(query)}

    def settle(self, tenant: str, seen: datetime, following: datetime | None, now: datetime) -> None:
        """Replace the hint ``seen`` of a tenant that has nothing to do by the next moment, None if nothing waits."""
        if now - seen >= SETTLE:
            with self._control.writing() as connection:
                connection.execute(
                    control.tenant.update()
                    .where(_T.name == tenant, _T.next_due_at == seen)
                    .values(next_due_at=following)
                )

    def repair(self, tenant: str, following: datetime | None) -> None:
        """Bring a hint forward that was lost."""
        if following is not None:
            later = sa.or_(_T.next_due_at.is_(None), _T.next_due_at > following)
            with self._control.writing() as connection:
                connection.execute(
                    control.tenant.update().where(_T.name == tenant, later).values(next_due_at=following)
                )
