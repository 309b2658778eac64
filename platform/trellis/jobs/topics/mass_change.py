"""A change of many records that a person left to the worker, or its undoing. Goes on where its last chunk ended."""

from __future__ import annotations

from trellis.jobs.job import Job
from trellis.mass.running import run_job
from trellis.mass.steps import TOPIC as TOPIC

KEEP = True


def handle(job: Job) -> None:
    """Carry out, or take back, what is left of the step."""
    run_job(job)
