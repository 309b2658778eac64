"""A run of an automation that begins after the commit, or whose wait is over."""

from __future__ import annotations

from trellis.automation.later import TOPIC as TOPIC
from trellis.automation.later import work
from trellis.jobs.job import Job

KEEP = False


def handle(job: Job) -> None:
    """Do the run, or go on with it."""
    work(job.tenant, job.payload["run"])
