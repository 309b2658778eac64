"""Work that happens after a commit: rows of ``t_outbox``, claimed by workers, delivered at least once."""

from trellis.jobs.job import Job, JobFailed
from trellis.jobs.worker import Worker

__all__ = ["Job", "JobFailed", "Worker"]
