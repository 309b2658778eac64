"""An automation that waits for dates is new or was changed; the clocks of all records are set."""

from __future__ import annotations

from trellis.automation.following import TOPIC as TOPIC
from trellis.automation.following import set_clocks
from trellis.jobs.job import Job

KEEP = False

__all__ = ["KEEP", "TOPIC", "handle"]


def handle(job: Job) -> None:
    """Do it."""
    set_clocks(job)
