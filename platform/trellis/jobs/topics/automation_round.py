"""A round of a scheduled automation over the records of its object."""

from __future__ import annotations

from trellis.automation.schedules import ROUND as TOPIC
from trellis.automation.schedules import go_round
from trellis.jobs.job import Job

KEEP = False

__all__ = ["KEEP", "TOPIC", "handle"]


def handle(job: Job) -> None:
    """Do it."""
    go_round(job)
