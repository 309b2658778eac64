"""kill -9 of workers in the middle of 1,000 jobs that change records and call a real HTTP server.

Each call is made at least once, under the number of its job; each change of a record is made exactly once; and for one record both
happen in the order in which the jobs were put in. ``TRELLIS_KILLS`` sets how many workers are killed (3 by default; ``make soak``
takes 20).
"""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import create, field, obj, publish, values, write
from support.ringing import TOPIC, start

from trellis.runtime import Runtime
from trellis.storage import system
from trellis.storage.outbox import Message
from trellis.tenant import Tenant

KILLS = int(os.environ.get("TRELLIS_KILLS", "3"))
RECORDS, EACH = 50, 20
pytestmark = pytest.mark.slow


@contextmanager
def listening() -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Yield the port of an HTTP server and what it was sent: idempotency key and address, in order."""
    heard: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.headers["Idempotency-Key"], self.path))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        server.server_close()


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def left(tenant: Tenant) -> int:
    c = system.outbox.c
    with tenant.database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).where(c.topic == TOPIC)).scalar_one())


def let_leases_run_out(tenant: Tenant) -> None:
    """Stand in for the minutes after which another worker may take over what a dead one claimed."""
    c = system.outbox.c
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().where(c.state == "running").values(leased_until=tenant.clock.now()))
    tenant.wake()


def test_killed_workers_lose_nothing_and_change_nothing_twice(runtime: Runtime, database_url: str) -> None:
    tenant = runtime.create_tenant("acme")
    publish(tenant, obj("deal", field("name"), field("seen")))
    ids = create(tenant, "deal", *({"name": f"d{i}"} for i in range(RECORDS)))
    jobs = [Message({"record": i, "number": n}, subject=f"deal:{i}") for n in range(EACH) for i in ids]
    write(tenant, lambda tx: tx.trail.enqueue_many(TOPIC, jobs))
    step = len(jobs) // (KILLS + 1)
    interrupted = 0
    with listening() as (port, heard):
        place = (runtime.home, database_url, port)
        standing = start(*place)
        for number in range(KILLS):
            killed = start(*place)
            deadline = time.monotonic() + 120
            while left(tenant) > len(jobs) - step * (number + 1) and time.monotonic() < deadline:
                time.sleep(0.05)
            kill(killed)
            if number % 2:  # The other one too: nobody is left to go on.
                kill(standing)
                standing = start(*place)
            interrupted += left(tenant) > 0
            let_leases_run_out(tenant)
        kill(standing)
        let_leases_run_out(tenant)
        last = start(*place, once=True)
        last.join(240)
        assert last.exitcode == 0
    assert interrupted == KILLS and left(tenant) == 0
    assert values(tenant, "deal", "seen") == [" ".join(map(str, range(EACH)))] * RECORDS
    check_calls(ids, heard)


def check_calls(ids: list[int], heard: list[tuple[str, str]]) -> None:
    """Each call at least once under one key of its own, and for one record in order."""
    keys = defaultdict(set)
    calls: dict[int, list[int]] = defaultdict(list)
    for key, path in heard:
        record, number = map(int, path.strip("/").split("/"))
        keys[key].add((record, number))
        if number not in calls[record]:
            calls[record].append(number)
    assert all(len(meant) == 1 for meant in keys.values()) and len(keys) == RECORDS * EACH
    assert {r: calls[r] for r in ids} == {r: list(range(EACH)) for r in ids}
