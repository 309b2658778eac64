"""A day on which a membership begins or has ended."""

from __future__ import annotations

from trellis.access.memberships import TOPIC as TOPIC
from trellis.access.memberships import refresh_reach
from trellis.access.shares import expire
from trellis.access.versions import bump_access
from trellis.jobs.job import Job

KEEP = False


def handle(job: Job) -> None:
    """Work out again whom belonging reaches; drop shares that ran out."""
    with job.tenant.publishing_lock() as connection:
        refresh_reach(job.tenant, connection, job.tenant.model_in(connection))
        expire(connection, job.tenant.clock.now())
        bump_access(connection)
