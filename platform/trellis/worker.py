"""The worker of a runtime: does the background work of all its tenants in turn, so that none waits behind another."""

from __future__ import annotations

import logging
import signal
import threading

from trellis.jobs import Worker
from trellis.runtime import Runtime

log = logging.getLogger("trellis.worker")
IDLE_S = 1.0


def run(runtime: Runtime, *, once: bool = False, stop: threading.Event | None = None) -> None:
    """Work until ``stop`` is set (default: until SIGINT or SIGTERM); with ``once`` until nothing is due."""
    if stop is None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        done = sum(_work(runtime, name) for name in runtime.names())
        if not done:
            if once:
                return
            stop.wait(IDLE_S)


def _work(runtime: Runtime, name: str) -> int:
    """Do one batch of a tenant's work; a tenant that fails is logged and does not stop the others."""
    try:
        return Worker(runtime.tenant(name)).run_once()
    except Exception:
        log.exception("the work of tenant '%s' failed", name)
        return 0


def start_beside(runtime: Runtime) -> threading.Event:
    """Run the worker in a thread of this process (the embedded default); return what stops it."""
    stop = threading.Event()
    threading.Thread(target=run, args=(runtime,), kwargs={"stop": stop}, name="trellis-worker", daemon=True).start()
    return stop
