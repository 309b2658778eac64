"""A moment of a record's date for which an automation waits has come."""

from __future__ import annotations

from trellis.automation.dates import TOPIC as TOPIC
from trellis.automation.dates import fire
from trellis.jobs.job import Job

KEEP = False

__all__ = ["KEEP", "TOPIC", "handle"]


def handle(job: Job) -> None:
    """Do it."""
    fire(job.tenant, job.payload)
