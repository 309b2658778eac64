"""A bulk write that a client left to the worker. Goes on after a crash where its last committed chunk ended."""

from __future__ import annotations

from trellis.bulk.background import run
from trellis.jobs.job import Job

TOPIC, KEEP = "bulk", True


def handle(job: Job) -> None:
    """Write the records of an uploaded file."""
    run(job)
