"""A record has stood in its stage for longer than the pipeline finds right: noted once per stay."""

from __future__ import annotations

from trellis.jobs.job import Job
from trellis.pipelines.stuck import mark

TOPIC, KEEP = "stage_stuck", False


def handle(job: Job) -> None:
    """Mark the stay and note the fact, if the record still stands there."""
    mark(job.tenant, job.payload)
