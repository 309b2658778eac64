"""A message waits to leave: its carrier sends it (``trellis.deliveries``)."""

from __future__ import annotations

from trellis.automation.later import wake
from trellis.deliveries import FAILED, SENT, Undeliverable, attempt, delivery_of
from trellis.deliveries import TOPIC as NAME
from trellis.jobs.job import Job, JobFailed

TOPIC, KEEP = NAME, False


def handle(job: Job) -> None:
    """Send it. What can never arrive is a dead letter at once. A run that waits for the answer goes on."""
    from trellis.jobs.worker import ATTEMPTS

    number = int(job.payload["delivery"])
    try:
        attempt(job.tenant, number, last=job.attempts >= ATTEMPTS)
    except Undeliverable as problem:
        raise JobFailed(problem.message) from None
    finally:
        _wake(job, number)


def _wake(job: Job, number: int) -> None:
    with job.tenant.database.reading() as connection:
        found = delivery_of(connection, number)
    if found.state in (SENT, FAILED) and "wakes" in found.payload:
        wake(job.tenant, int(found.payload["wakes"]), found.object, found.record)
