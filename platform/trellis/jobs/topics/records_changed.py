"""Records changed. Everything that follows a change inside its transaction is done; nothing else listens yet."""

from __future__ import annotations

from trellis.jobs.job import Job

TOPIC, KEEP = "records_changed", False


def handle(job: Job) -> None:
    """Acknowledge."""
