"""The worker: claims due rows of the outbox, runs their topics, retries with growing pauses, sets hopeless ones aside.

A claim is a lease: on PostgreSQL by ``FOR UPDATE SKIP LOCKED``, on SQLite under its single writer. A worker that dies leaves
a lease that runs out; the row is then claimed again. After :data:`ATTEMPTS` failures a row becomes a dead letter
(state ``dead``) that keeps the reason.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.jobs.job import LEASE, Job, JobFailed, LeaseLost
from trellis.jobs.topics import topics
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

log = logging.getLogger("trellis.worker")
ATTEMPTS = 8
BATCH = 50
IDLE_S = 0.5
_O = system.outbox.c


class Worker:
    """Works for one tenant. Any number of them may run at the same time, in any number of processes."""

    def __init__(self, tenant: Tenant, *, batch: int = BATCH) -> None:
        self.tenant, self.batch = tenant, batch
        self.name = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"

    def run_once(self) -> int:
        """Claim one batch of due rows and work it off; return how many rows were claimed."""
        jobs = self._claim()
        quick = [j for j in jobs if j.topic in topics() and not topics()[j.topic].keep]
        done = [j.id for j in quick if self._attempt(j)]
        self._acknowledge(done)
        for job in jobs:
            if job not in quick and self._attempt(job):
                self._finish(job)
        return len(jobs)

    def run_until_idle(self, limit: int = 10_000) -> int:
        """Work until nothing is due; return how many rows were claimed."""
        total = 0
        while total < limit and (count := self.run_once()):
            total += count
        return total

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. A failing database is waited for, with growing pauses."""
        pause = IDLE_S
        while not stop.is_set():
            try:
                busy = self.run_once() > 0
                pause = IDLE_S
            except sa.exc.OperationalError:
                log.warning("the database cannot be reached; trying again", exc_info=True)
                busy, pause = False, min(pause * 2, 30.0)
            if not busy:
                stop.wait(pause)

    def _claim(self) -> list[Job]:
        now = self.tenant.clock.now()
        due = sa.or_(
            sa.and_(_O.state == "ready", _O.due_at <= now), sa.and_(_O.state == "running", _O.leased_until < now)
        )
        query = sa.select(system.outbox).where(due).order_by(_O.due_at, _O.id).limit(self.batch)
        with self.tenant.database.reading() as connection:
            # Idle workers must not take SQLite's writer lock again and again.
            if connection.execute(sa.select(_O.id).where(due).limit(1)).first() is None:
                return []
        with self.tenant.database.writing() as connection:
            if not self.tenant.database.is_sqlite:
                query = query.with_for_update(skip_locked=True)
            rows = connection.execute(query).mappings().all()
            if rows:
                connection.execute(
                    system.outbox.update()
                    .where(_O.id.in_([r["id"] for r in rows]))
                    .values(state="running", worker=self.name, leased_until=now + LEASE, attempts=_O.attempts + 1)
                )
        return [
            Job(self.tenant, r["id"], r["topic"], r["payload"], r["attempts"] + 1, self.name, r["done"], r["total"])
            for r in rows
        ]

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
                self._change(
                    job,
                    state="ready",
                    due_at=self.tenant.clock.now() + backoff(job.attempts),
                    error=reason,
                    worker=None,
                )
            return False
        return True

    def _bury(self, job: Job, reason: str) -> None:
        log.error("job %s (%s) is a dead letter: %s", job.id, job.topic, reason)
        self._change(job, state="dead", error=reason[:2000], leased_until=None, worker=None)

    def _finish(self, job: Job) -> None:
        self._change(job, state="done", error=None, leased_until=None, worker=None)

    def _change(self, job: Job, **values: Any) -> None:
        with self.tenant.database.writing() as connection:
            connection.execute(
                system.outbox.update()
                .where(_O.id == job.id, _O.worker == self.name, _O.state == "running")
                .values(**values)
            )

    def _acknowledge(self, ids: list[int]) -> None:
        if ids:
            with self.tenant.database.writing() as connection:
                connection.execute(
                    system.outbox.delete().where(_O.id.in_(ids), _O.worker == self.name, _O.state == "running")
                )


def backoff(attempts: int) -> timedelta:
    """Return the pause after the n-th failure: 2, 4, 8 … seconds, at most 15 minutes."""
    return timedelta(seconds=min(2**attempts, 900))


def dead_letters(tenant: Tenant) -> list[dict[str, Any]]:
    """Return the rows that were set aside, newest first: id, topic, reason, time."""
    with tenant.database.reading() as connection:
        rows = connection.execute(
            sa.select(_O.id, _O.topic, _O.error, _O.created_at)
            .where(_O.state == "dead")
            .order_by(_O.id.desc())
            .limit(500)
        )
        return [{"id": r.id, "topic": r.topic, "reason": r.error, "created_at": _moment(r.created_at)} for r in rows]


def revive(tenant: Tenant, job: int) -> bool:
    """Give a dead letter a new life; return whether there was one of that id."""
    with tenant.database.writing() as connection:
        done = connection.execute(
            system.outbox.update()
            .where(_O.id == job, _O.state == "dead")
            .values(state="ready", due_at=tenant.clock.now(), attempts=0, error=None)
        )
        return bool(done.rowcount)


def _moment(value: datetime) -> str:
    return value.isoformat()
