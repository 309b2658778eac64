"""After a change of the metadata: clocks and schedules follow the automations of the version that becomes visible.

It runs in the transaction that makes the version visible. A changed rule about a date applies to the records that exist: a job
sets their clocks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.automation import dates, schedules
from trellis.automation.steering import PURGE
from trellis.storage import outbox
from trellis.storage.outbox import Message
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.jobs.job import Job
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction

TOPIC = "automation_clocks"
BATCH = 500


def follow(tenant: Tenant, connection: Connection, old: Snapshot, new: Snapshot) -> None:
    """Bring the clocks of automations up to date with the version that becomes visible."""
    before, after = old.of_kind("automation"), new.of_kind("automation")
    now = tenant.clock.now()
    for name in sorted(before.keys() | after.keys()):
        was, document = before.get(name), after.get(name)
        if was == document:
            continue
        numbers = range(max(len((d or {}).get("triggers", ())) for d in (was, document)))
        outbox.cancel(connection, [schedules.key_of(name, n) for n in numbers])
        if document is None or not document.get("active", True):
            continue
        schedules.put(tenant, connection, document, now)
        if any(t["on"] == "date" for t in document["triggers"]):
            message = Message({"automation": name, "last": 0, "since": now.isoformat()}, key=f"{TOPIC}:{name}")
            outbox.put(connection, now, TOPIC, [message])
    if before != after:
        outbox.put(connection, now, PURGE, [Message({}, now + timedelta(days=1), key=PURGE)])


def set_clocks(job: Job) -> None:
    """Set the clocks of all records for one automation, batch by batch."""
    last: int | None = int(job.payload["last"])
    while last is not None:
        last = job.tenant.run(SYSTEM, Cause("automation_clocks"), lambda tx, after=last: _batch(tx, job, after))  # type: ignore[misc]
        job.saved()


def _batch(tx: Transaction, job: Job, after: int) -> int | None:
    since = datetime.fromisoformat(job.payload["since"])
    last = dates.set_all(tx, job.payload["automation"], after, BATCH, since)
    job.save(tx.connection, done=job.done + (BATCH if last is not None else 0), payload={"last": last or after})
    return last
