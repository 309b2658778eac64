"""A sharing or restriction rule whose condition is looked at for every record of its object."""

from __future__ import annotations

from trellis.access.building import build
from trellis.access.sync import TOPIC as TOPIC
from trellis.jobs.job import Job

KEEP = True


def handle(job: Job) -> None:
    """Work the rule out, or go on where an earlier attempt stopped."""
    build(job)
