"""The worker of a runtime: does the background work of all its tenants in turn, so that none waits behind another.

Each round visits the tenants whose hint says that something may be due; each gets one batch, and no more than :data:`TURN_S` seconds
of it: what was claimed and not begun is given back. A tenant with 100,000 due rows delays another by one such turn. A slow sweep
visits every tenant every :data:`SWEEP_S` seconds and repairs what hints have lost.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from trellis.jobs import Worker
from trellis.jobs.sweeping import next_due, sweep
from trellis.runtime import Runtime

log = logging.getLogger("trellis.worker")
IDLE_S = 1.0
TURN_S = 5.0
SWEEP_S = 300.0
SWEPT_AT_ONCE = 5


def run(runtime: Runtime, *, once: bool = False, stop: threading.Event | None = None) -> None:
    """Work until ``stop`` is set (default: until SIGINT or SIGTERM); with ``once`` until nothing is due.

    When it is told to stop, the job in work is finished and the others of its batch are given back.
    """
    if stop is None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
    rounds = Rounds(runtime, stop)
    if once:
        rounds.sweep(runtime.names())
    pause = IDLE_S
    while not stop.is_set():
        try:
            busy = rounds.go() > 0
            pause = IDLE_S
        except sa.exc.OperationalError:
            log.warning("the control database cannot be reached; trying again", exc_info=True)
            busy, pause = False, min(pause * 2, 30.0)
        if not busy:
            if once:
                return
            stop.wait(pause)


class Rounds:
    """The rounds of one worker through the tenants."""

    def __init__(self, runtime: Runtime, stop: threading.Event | None = None) -> None:
        self.runtime = runtime
        self._stop = stop or threading.Event()
        self._workers: dict[str, Worker] = {}
        self._swept: dict[str, float] = {}

    def go(self) -> int:
        """Give each tenant with something to do one turn; return how many jobs were claimed."""
        self.sweep(self._to_sweep())
        claimed = 0
        for name, seen in self.runtime.due.due(self.runtime.clock.now()).items():
            if not self._stop.is_set():
                claimed += self._turn(name, seen)
        return claimed

    def sweep(self, names: list[str]) -> None:
        """Look after tenants whether or not a hint says so."""
        for name in names:
            self._swept[name] = time.monotonic()
            try:
                self.runtime.due.repair(name, sweep(self.runtime.tenant(name)))
            except Exception:
                log.exception("tenant '%s' could not be looked after", name)

    def _to_sweep(self) -> list[str]:
        late = time.monotonic() - SWEEP_S
        found = [n for n in self.runtime.recent_names() if self._swept.get(n, float("-inf")) < late]
        return found[:SWEPT_AT_ONCE]

    def _turn(self, name: str, seen: datetime) -> int:
        """Do one batch of a tenant's work; a tenant that fails is logged and does not stop the others."""
        try:
            tenant = self.runtime.tenant(name)
            worker = self._workers.get(name)
            if worker is None or worker.tenant is not tenant:
                worker = self._workers[name] = Worker(tenant)
            now = tenant.clock.now()
            claimed = worker.run_once(_after(TURN_S, self._stop))
            if not claimed:
                with tenant.database.reading() as connection:
                    following = next_due(connection)
                self.runtime.due.settle(name, seen, following, now)
            return claimed
        except Exception:
            log.exception("the work of tenant '%s' failed", name)
            return 0


def _after(seconds: float, stop: threading.Event) -> Callable[[], bool]:
    """Return what says whether a turn is over."""
    end = time.monotonic() + seconds
    return lambda: stop.is_set() or time.monotonic() > end


def start_beside(runtime: Runtime) -> threading.Event:
    """Run the worker in a thread of this process (the embedded default); return what stops it."""
    stop = threading.Event()
    threading.Thread(target=run, args=(runtime,), kwargs={"stop": stop}, name="trellis-worker", daemon=True).start()
    return stop
