"""A tenant whose clock stands still, and topics of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.kernel import write

from trellis.clock import FakeClock
from trellis.jobs import Job, Worker
from trellis.jobs import worker as worker_module
from trellis.jobs.topics import Topic, topics
from trellis.tenant import Tenant

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Desk:
    """Puts messages of the topic ``note`` into the outbox and remembers which were delivered, by their names."""

    tenant: Tenant
    clock: FakeClock
    delivered: list[str] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)
    during: Callable[[Job], object] = lambda job: None

    def handle(self, job: Job) -> None:
        self.during(job)
        name = job.payload["name"]
        if name in self.fails:
            raise ValueError("not now")
        self.delivered.append(name)

    def put(self, name: str, topic: str = "note", **options: Any) -> int:
        return int(write(self.tenant, lambda tx: tx.trail.enqueue(topic, {"name": name}, **options)))

    def cancel(self, *keys: str) -> int:
        return int(write(self.tenant, lambda tx: tx.trail.cancel(keys)))

    def worker(self, batch: int = 50) -> Worker:
        return Worker(self.tenant, batch=batch)

    def work(self) -> list[str]:
        """Work until nothing is due; return what this has delivered."""
        before = len(self.delivered)
        self.worker().run_until_idle()
        return self.delivered[before:]

    def wait(self, **time: float) -> None:
        self.clock.advance(timedelta(**time))


@pytest.fixture
def desk(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    clock = FakeClock(START)
    tenant.clock = clock
    made = Desk(tenant, clock)
    mine = {**topics(), "note": Topic("note", False, made.handle), "kept": Topic("kept", True, made.handle)}
    monkeypatch.setattr(worker_module, "topics", lambda: mine)
    yield made
