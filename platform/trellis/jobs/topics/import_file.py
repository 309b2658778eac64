"""An import of an uploaded file, or its check."""

from __future__ import annotations

from trellis.exchange.background import TOPIC, run
from trellis.jobs.job import Job

KEEP = True


def handle(job: Job) -> None:
    """Import or check the file."""
    run(job)


__all__ = ["KEEP", "TOPIC", "handle"]
