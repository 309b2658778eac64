"""Workers of many tenants: idle ones cost nothing, busy ones delay nobody, and what was lost is found."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from support.copies import OpenHome
from support.kernel import counting, table, write

from trellis.clock import FakeClock
from trellis.jobs import Job, hints
from trellis.jobs import worker as worker_module
from trellis.jobs.sweeping import KEPT, next_due, sweep
from trellis.jobs.topics import Topic, topics
from trellis.runtime import Runtime
from trellis.storage import control, system
from trellis.storage.outbox import Message
from trellis.tenant import Tenant
from trellis.worker import Rounds

from .conftest import START, Desk


def _three_tenants(runtime: Runtime) -> None:
    for name in ("ant", "bee"):
        runtime.create_tenant(name)
    rounds = Rounds(runtime)
    while rounds.go():
        pass


@pytest.fixture
def firm(open_home: OpenHome, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A runtime of two tenants on a clock that stands still; what was delivered, in order."""
    monkeypatch.setattr(hints, "TELL_S", 0.0)
    runtime, _ = open_home("three tenants", _three_tenants, clock=FakeClock(START))
    delivered: list[tuple[str, str]] = []

    def handle(job: Job) -> None:
        delivered.append((job.tenant.name, job.payload["name"]))

    mine = {**topics(), "note": Topic("note", False, handle)}
    monkeypatch.setattr(worker_module, "topics", lambda: mine)
    rounds = Rounds(runtime)
    while rounds.go():
        pass
    runtime.delivered = delivered  # type: ignore[attr-defined]
    return runtime, rounds, delivered


def put(tenant: Tenant, *names: str, **options: Any) -> None:
    write(tenant, lambda tx: tx.trail.enqueue_many("note", [Message({"name": n}, **options) for n in names]))


def hint(runtime: Runtime, name: str) -> Any:
    t = control.tenant.c
    with runtime.control.reading() as connection:
        return connection.execute(sa.select(t.next_due_at).where(t.name == name)).scalar_one()


def settle(runtime: Runtime, rounds: Rounds) -> None:
    runtime.clock.advance(timedelta(seconds=4))  # type: ignore[attr-defined]
    while rounds.go():
        pass


def test_a_busy_tenant_delays_another_by_one_batch(firm: Any) -> None:
    runtime, rounds, delivered = firm
    put(runtime.tenant("ant"), *(f"a{i:03}" for i in range(200)))
    put(runtime.tenant("bee"), "b")
    rounds.go()
    assert delivered.index(("bee", "b")) == 50
    settle(runtime, rounds)
    assert len(delivered) == 201


def test_a_turn_ends_after_its_time_and_gives_back_what_was_not_begun(
    firm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, rounds, delivered = firm
    monkeypatch.setattr("trellis.worker.TURN_S", -1.0)
    put(runtime.tenant("ant"), "a", "b")
    rounds.go()
    assert delivered == []
    assert [(r["state"], r["attempts"]) for r in table(runtime.tenant("ant"), system.outbox)] == [("ready", 0)] * 2


def test_idle_tenants_cost_no_statement(firm: Any) -> None:
    runtime, rounds, _ = firm
    settle(runtime, rounds)
    assert [hint(runtime, n) for n in ("ant", "bee")] == [None] * 2
    put(runtime.tenant("bee"), "b")
    with counting(runtime.tenant("ant")) as ant, counting(runtime.tenant("bee")) as bee:
        rounds.go()
    # Both databases of a test share a server, not an engine.
    assert bee and not ant


def test_hint_names_the_next_moment_and_a_write_brings_it_forward(firm: Any) -> None:
    runtime, rounds, delivered = firm
    later = START + timedelta(days=3)
    put(runtime.tenant("bee"), "c", due_at=later)
    settle(runtime, rounds)
    assert hint(runtime, "bee") == later
    put(runtime.tenant("bee"), "now")
    assert hint(runtime, "bee") == runtime.clock.now()
    rounds.go()
    assert delivered == [("bee", "now")]
    runtime.clock.set(later)
    rounds.go()
    assert delivered[1:] == [("bee", "c")]


def test_what_is_written_while_a_worker_looks_is_not_lost(firm: Any) -> None:
    runtime, rounds, delivered = firm
    put(runtime.tenant("ant"), "first")
    seen = runtime.due.due(runtime.clock.now())["ant"]
    rounds.go()
    runtime.clock.advance(timedelta(seconds=10))
    put(runtime.tenant("ant"), "second")
    runtime.due.settle("ant", seen, None, runtime.clock.now())
    settle(runtime, rounds)
    assert delivered == [("ant", "first"), ("ant", "second")]


def test_writers_tell_at_most_once_a_second_and_the_hint_stays_until_that_is_over(
    firm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, rounds, delivered = firm
    monkeypatch.setattr(hints, "TELL_S", 3600.0)
    tenant = runtime.tenant("ant")
    tenant.wake()
    with counting_control(runtime) as statements:
        put(tenant, "a")
        put(tenant, "b")
    assert statements == []
    rounds.go()
    put(tenant, "c")
    rounds.go()
    assert [n for _, n in delivered] == ["a", "b", "c"]


def counting_control(runtime: Runtime) -> Any:
    class Control:
        database = runtime.control

    return counting(Control)  # type: ignore[arg-type]


def test_slow_sweep_finds_what_no_hint_tells(firm: Any) -> None:
    runtime, rounds, delivered = firm
    put(runtime.tenant("ant"), "a")
    with runtime.control.writing() as connection:
        connection.execute(control.tenant.update().values(next_due_at=None))
    rounds.go()
    assert delivered == []
    Rounds(runtime).go()
    assert delivered == [("ant", "a")]


def test_tenant_that_fails_does_not_stop_the_others(firm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, rounds, delivered = firm
    put(runtime.tenant("ant"), "a")
    put(runtime.tenant("bee"), "b")
    plain = Runtime.tenant

    def broken(self: Runtime, name: str) -> Tenant:
        if name == "ant":
            raise OSError("its disk is gone")
        return plain(self, name)

    monkeypatch.setattr(Runtime, "tenant", broken)
    rounds.go()
    assert delivered == [("bee", "b")]


def test_rounds_that_are_told_to_stop_begin_nothing(firm: Any) -> None:
    runtime, _, delivered = firm
    stop = threading.Event()
    put(runtime.tenant("ant"), "a")
    stop.set()
    assert Rounds(runtime, stop).go() == 0 and delivered == []


def test_sweep_frees_what_is_held_behind_nothing_and_forgets_old_jobs(desk: Desk) -> None:
    desk.put("a", subject="s")
    desk.put("old", topic="kept")
    desk.work()
    desk.put("b", subject="s")
    with desk.tenant.database.writing() as connection:
        connection.execute(system.outbox.update().where(system.outbox.c.subject == "s").values(state="held"))
    assert desk.work() == []
    assert sweep(desk.tenant) == desk.clock.now() and desk.work() == ["b"]
    assert [r["state"] for r in table(desk.tenant, system.outbox)] == ["done"]
    desk.clock.advance(KEPT + timedelta(days=1))
    assert sweep(desk.tenant) is None and table(desk.tenant, system.outbox) == []


def test_next_due_counts_clocks_and_leases(desk: Desk) -> None:
    def asked() -> Any:
        with desk.tenant.database.reading() as connection:
            return next_due(connection)

    assert asked() is None
    desk.put("later", due_at=START + timedelta(hours=2))
    assert asked() == START + timedelta(hours=2)
    desk.put("now")
    desk.worker()._claim()
    assert asked() == START + timedelta(minutes=5)
