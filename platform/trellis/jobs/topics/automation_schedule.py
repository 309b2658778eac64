"""The moment of an automation's schedule has come."""

from __future__ import annotations

from trellis.automation.schedules import TOPIC as TOPIC
from trellis.automation.schedules import fire
from trellis.jobs.job import Job

KEEP = False

__all__ = ["KEEP", "TOPIC", "handle"]


def handle(job: Job) -> None:
    """Do it."""
    fire(job.tenant, job.payload)
