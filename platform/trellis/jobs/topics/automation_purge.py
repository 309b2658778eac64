"""Traces of automations that are older than the tenant keeps them: once a day."""

from __future__ import annotations

from datetime import timedelta

from trellis.automation.steering import PURGE as TOPIC
from trellis.automation.steering import purge
from trellis.jobs.job import Job
from trellis.storage import outbox
from trellis.storage.outbox import Message

KEEP = False

__all__ = ["KEEP", "TOPIC", "handle"]


def handle(job: Job) -> None:
    """Forget them, and put the next day's message down."""
    purge(job.tenant)
    now = job.tenant.clock.now()
    with job.tenant.database.writing() as connection:
        outbox.put(connection, now, TOPIC, [Message({}, now + timedelta(days=1), key=TOPIC)])
