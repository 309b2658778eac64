"""One claimed row of the outbox, as its handler sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

LEASE = timedelta(minutes=5)


class JobFailed(TrellisError):
    """The work can never succeed: it goes to the dead letters at once, with this message as the reason."""

    code = "job_failed"


class LeaseLost(TrellisError):
    """Another worker took the job over; this one must stop without a trace."""

    code = "lease_lost"


@dataclass
class Job:
    """``done`` and ``total`` are counts of whatever the topic counts; ``payload`` survives a restart as last saved."""

    tenant: Tenant
    id: int
    topic: str
    payload: dict[str, Any]
    attempts: int
    worker: str
    done: int = 0
    total: int = 0
    subject: str | None = None
    key: str | None = None
    _dirty: dict[str, Any] = field(default_factory=dict)

    def save(
        self, connection: Connection, *, done: int, total: int | None = None, payload: Mapping[str, Any] | None = None
    ) -> None:
        """Store progress in the transaction of ``connection`` and keep the lease. Raises :class:`LeaseLost`.

        INVARIANT: a handler saves its progress in the transaction of the work itself, so that a repetition goes on where
        the last commit stopped.
        """
        c = system.outbox.c
        values: dict[str, Any] = {"done": done, "leased_until": self.tenant.clock.now() + LEASE}
        if total is not None:
            values["total"] = total
        if payload is not None:
            values["payload"] = {**self.payload, **payload}
        held = connection.execute(
            system.outbox.update()
            .where(c.id == self.id, c.worker == self.worker, c.state == "running")
            .values(**values)
        )
        if not held.rowcount:
            raise LeaseLost("Another worker took this job over.")
        self._dirty = values

    def saved(self) -> None:
        """Take over what :meth:`save` stored, once its transaction is committed."""
        self.done = self._dirty.get("done", self.done)
        self.total = self._dirty.get("total", self.total)
        self.payload = self._dirty.get("payload", self.payload)
