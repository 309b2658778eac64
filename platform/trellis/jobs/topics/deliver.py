"""A message waits to leave: its carrier sends it (``trellis.deliveries``)."""

from __future__ import annotations

from trellis.deliveries import TOPIC as NAME
from trellis.deliveries import Undeliverable, attempt
from trellis.jobs.job import Job, JobFailed

TOPIC, KEEP = NAME, False


def handle(job: Job) -> None:
    """Send it. What can never arrive is a dead letter at once."""
    from trellis.jobs.worker import ATTEMPTS

    try:
        attempt(job.tenant, int(job.payload["delivery"]), last=job.attempts >= ATTEMPTS)
    except Undeliverable as problem:
        raise JobFailed(problem.message) from None
