"""What clocks cost: ``python bench/clocks.py [--rows 100000]`` on SQLite and PostgreSQL, with one line per figure.

Due messages are swept by one worker whose handler does nothing; the time is told as a ratio to one bare UPDATE of as many rows of the
same table. Besides: one claim behind as many messages that wait for one subject, and reckoning with calendars. Wall time; the ratio
says more than the seconds on a busy machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.calendars import calendars_in
from trellis.jobs import Worker, worker
from trellis.jobs.topics import Topic
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.storage.outbox import Message
from trellis.tenant import Tenant
from trellis_metadata.snapshot import Snapshot

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.postgres import temporary_cluster

CAUSE = Cause("bench")
OFFICE = {
    "kind": "calendar",
    "name": "office",
    "time_zone": "Asia/Shanghai",
    "hours": {d: ["09:00-12:00", "13:00-18:00"] for d in ("monday", "tuesday", "wednesday", "thursday", "friday")},
    "holidays": {"country": "CN"},
}


def timed(body: Callable[[], object]) -> float:
    """Return how many seconds something takes."""
    started = time.perf_counter()
    body()
    return time.perf_counter() - started


def fill(tenant: Tenant, rows: int, subject: str | None = None) -> None:
    """Put so many due messages into an empty outbox."""
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.delete())
    for start in range(0, rows, 5000):
        some = [Message({"n": n}, subject=subject) for n in range(start, min(rows, start + 5000))]
        tenant.run(SYSTEM, CAUSE, lambda tx, some=some: tx.trail.enqueue_many("nothing", some))


def bare_update(tenant: Tenant) -> None:
    """Change one column of every row in one statement."""
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(attempts=system.outbox.c.attempts + 1))


def measure(tenant: Tenant, rows: int) -> Iterator[str]:
    """Yield one line per figure."""
    fill(tenant, rows)
    update = timed(lambda: bare_update(tenant))
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(attempts=0))
    for batch in (50, 500):
        if batch != 50:
            fill(tenant, rows)
        swept = timed(lambda batch=batch: Worker(tenant, batch=batch).run_until_idle(10 * rows))
        yield (
            f"{rows:,} due messages, batches of {batch}: {swept:.1f} s, {swept / rows * 1e6:.0f} µs each, "
            f"{swept / update:.0f} × a bare UPDATE of as many rows ({update:.2f} s)"
        )
    fill(tenant, rows, "one")
    first = Worker(tenant)
    first._claim()
    aside = timed(lambda: Worker(tenant)._claim())
    behind = timed(lambda: Worker(tenant)._claim())
    yield f"{rows:,} messages behind one that is worked on: put aside once in {aside:.1f} s; a later claim {behind * 1e3:.1f} ms"


def calendars() -> Iterator[str]:
    """Yield what reckoning costs."""
    office = calendars_in(Snapshot.of([OFFICE]))["office"]
    start = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
    first = timed(lambda: office.add(start, timedelta(hours=8 * 2500)))
    again = timed(lambda: [office.add(start, timedelta(hours=8 * 2500)) for _ in range(10_000)]) / 10_000
    yield f"calendar of China, ten years ahead: {first * 1e3:.0f} ms the first time, {again * 1e6:.1f} µs after that"


def main() -> None:
    """Measure on both databases."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=100_000)
    rows = asked.parse_args().rows
    nothing = Topic("nothing", False, lambda job: None)
    worker.topics = lambda: {"nothing": nothing}
    for line in calendars():
        print(line, flush=True)
    with temporary_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        for name, url in (("SQLite", "sqlite://"), ("PostgreSQL", cluster.create_database())):
            runtime = Runtime(Path(home) / name, database_url=url)
            for line in measure(runtime.create_tenant("bench"), rows):
                print(f"{name}: {line}", flush=True)
            runtime.close()


if __name__ == "__main__":
    main()
