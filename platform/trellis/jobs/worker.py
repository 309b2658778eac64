"""The worker: claims due rows of the outbox, runs their topics, retries with growing pauses, sets hopeless ones aside.

What is taken is decided in ``trellis.jobs.claiming``. A claim is a lease: a worker that dies leaves a lease that runs out, and the
row is then claimed again. After :data:`ATTEMPTS` failures a row becomes a dead letter (state ``dead``) that keeps the reason.
A failed row keeps its subject until its next attempt; a dead letter lets its subject go on, for one thing that cannot be done must
not stop everything behind it for ever.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.jobs.claiming import Found, claim, is_anything_due
from trellis.jobs.job import LEASE, Job, JobFailed, LeaseLost
from trellis.jobs.topics import topics
from trellis.storage import outbox, system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

log = logging.getLogger("trellis.worker")
ATTEMPTS = 8
BATCH = 50
_O = system.outbox.c


class Worker:
    """Works for one tenant. Any number of them may run at the same time, in any number of processes."""

    def __init__(self, tenant: Tenant, *, batch: int = BATCH) -> None:
        self.tenant, self.batch = tenant, batch
        self.name = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"

    def run_once(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Claim one batch of due rows and work it off; return how many rows were claimed.

        When ``stop`` says so in the middle, the job in work is finished and the others are given back.
        """
        jobs = self._claim()
        claimed_at = self.tenant.clock.now()
        long = {j.id for j in jobs if j.topic not in topics() or topics()[j.topic].keep}
        # Short ones first: they are acknowledged together, and no long one lets their leases run out.
        self._acknowledge([j for j in jobs if j.id not in long and self._work_off(j, claimed_at, stop)])
        for job in jobs:
            if job.id in long and self._work_off(job, claimed_at, stop):
                self._finish(job)
        return len(jobs)

    def _work_off(self, job: Job, claimed_at: datetime, stop: Callable[[], bool]) -> bool:
        """Attempt a job, or give it back when it is time to stop. Returns whether it succeeded."""
        if stop():
            self._give_back(job)
            return False
        return self._still_ours(job, claimed_at) and self._attempt(job)

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Work until nothing is due; return how many rows were claimed."""
        total = 0
        while total < limit and (count := self.run_once()):
            total += count
        return total

    def _claim(self) -> list[Job]:
        with self.tenant.database.reading() as connection:
            if not is_anything_due(connection, self.tenant.clock.now()):
                return []
        rows: list[Found] = []
        again = True
        while again and not rows:
            with self.tenant.database.writing() as connection:
                rows, again = claim(self.tenant, connection, self.name, limit=self.batch, lease=LEASE)
        return [self._job(r) for r in rows]

    def _job(self, row: Found) -> Job:
        return Job(
            tenant=self.tenant,
            id=row["id"],
            topic=row["topic"],
            payload=row["payload"],
            attempts=row["attempts"] + 1,
            worker=self.name,
            done=row["done"],
            total=row["total"],
            subject=row["subject"],
            key=row["key"],
        )

    def _still_ours(self, job: Job, claimed_at: datetime) -> bool:
        """Whether the job may begin. Where the jobs before it took long, its lease is renewed, if nobody has taken it over."""
        now = self.tenant.clock.now()
        if now - claimed_at < LEASE / 5:
            return True
        return self._change(job, leased_until=now + LEASE)

    def _attempt(self, job: Job) -> bool:
        """Run the handler; note a failure. Returns whether it succeeded."""
        try:
            topic = topics().get(job.topic)
            if topic is None:
                raise JobFailed(f"Nothing handles the topic '{job.topic}'.")
            if job.attempts > ATTEMPTS:
                raise JobFailed("The worker died while working on it, again and again.")
            topic.handle(job)
        except LeaseLost:
            return False
        except JobFailed as problem:
            self._bury(job, problem.message)
            return False
        except Exception as problem:
            log.warning("job %s (%s) failed, attempt %s", job.id, job.topic, job.attempts, exc_info=problem)
            reason = problem.message if isinstance(problem, TrellisError) else type(problem).__name__
            if job.attempts >= ATTEMPTS:
                self._bury(job, reason)
            else:
                self._put_off(job, reason)
            return False
        return True

    def _put_off(self, job: Job, reason: str) -> None:
        """Let the job be tried again later. Until then it keeps its subject."""
        due = self.tenant.clock.now() + backoff(job.attempts)
        self._wait_again(job, due_at=due, error=reason[:2000])

    def _give_back(self, job: Job) -> None:
        """Leave a job that was claimed and not begun to the next worker."""
        self._wait_again(job, attempts=job.attempts - 1, **({"holds": None} if job.attempts == 1 else {}))

    def _wait_again(self, job: Job, **values: Any) -> None:
        """Let a running job wait, unless another has taken its place under its key in the meantime."""
        with self.tenant.database.writing() as connection:
            if job.key is not None and outbox.is_waiting(connection, job.key):
                connection.execute(system.outbox.delete().where(self._holds(job)))
            else:
                waiting = {"state": outbox.READY, "leased_until": None, "worker": None, **values}
                connection.execute(system.outbox.update().where(self._holds(job)).values(**waiting))
            self._release(connection, [job])

    def _bury(self, job: Job, reason: str) -> None:
        log.error("job %s (%s) is a dead letter: %s", job.id, job.topic, reason)
        self._end(job, state=outbox.DEAD, error=reason[:2000], leased_until=None, worker=None)

    def _finish(self, job: Job) -> None:
        self._end(job, state=outbox.DONE, error=None, leased_until=None, worker=None)

    def _end(self, job: Job, **values: Any) -> None:
        with self.tenant.database.writing() as connection:
            connection.execute(system.outbox.update().where(self._holds(job)).values(holds=None, **values))
            self._release(connection, [job])

    def _change(self, job: Job, **values: Any) -> bool:
        with self.tenant.database.writing() as connection:
            done = connection.execute(system.outbox.update().where(self._holds(job)).values(**values))
            return bool(done.rowcount)

    def _holds(self, job: Job) -> sa.ColumnElement[bool]:
        return sa.and_(_O.id == job.id, _O.worker == self.name, _O.state == outbox.RUNNING)

    def _acknowledge(self, jobs: list[Job]) -> None:
        """Remove what is done, also where it was cancelled while it was worked on."""
        if jobs:
            with self.tenant.database.writing() as connection:
                connection.execute(
                    system.outbox.delete().where(
                        _O.id.in_([j.id for j in jobs]),
                        _O.worker == self.name,
                        _O.state.in_((outbox.RUNNING, outbox.CANCELLED)),
                    )
                )
                self._release(connection, jobs)

    @staticmethod
    def _release(connection: sa.engine.Connection, jobs: list[Job]) -> None:
        outbox.release(connection, {j.subject for j in jobs if j.subject is not None})


def backoff(attempts: int) -> timedelta:
    """Return the pause after the n-th failure: 2, 4, 8 … seconds, at most 15 minutes."""
    return timedelta(seconds=min(2**attempts, 900))
