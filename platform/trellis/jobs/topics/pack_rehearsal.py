"""The installation or upgrade of a pack, tried on a copy of the tenant."""

from __future__ import annotations

from trellis.jobs.job import Job
from trellis.packs.rehearsing import TOPIC, run

KEEP = True


def handle(job: Job) -> None:
    """Rehearse and keep the report."""
    run(job)


__all__ = ["KEEP", "TOPIC", "handle"]
