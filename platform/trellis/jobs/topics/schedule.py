"""A schedule has become due."""

from __future__ import annotations

from datetime import datetime

from trellis.jobs.job import Job

TOPIC, KEEP = "schedule", False


def handle(job: Job) -> None:
    """Make its job and set its next moment."""
    from trellis.jobs.scheduling import run_due

    run_due(job.tenant, job.payload["schedule"], datetime.fromisoformat(job.payload["moment"]))
