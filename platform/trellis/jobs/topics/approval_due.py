"""A reminder or a deadline of a step of an approval has come."""

from __future__ import annotations

from trellis.approvals.due import TOPIC as TOPIC
from trellis.approvals.timing import fall_due
from trellis.jobs.job import Job

KEEP = False


def handle(job: Job) -> None:
    """Remind, pass on or reject, if the step is still open."""
    fall_due(job.tenant, job.payload)
