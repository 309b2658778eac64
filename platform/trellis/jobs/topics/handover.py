"""Records that go from somebody who left to others, or back."""

from __future__ import annotations

from trellis.jobs.job import Job
from trellis.offboarding.carrying_out import run
from trellis.offboarding.handing_over import TOPIC as TOPIC

KEEP = True


def handle(job: Job) -> None:
    """Carry the hand-over out, or take it back."""
    run(job)
