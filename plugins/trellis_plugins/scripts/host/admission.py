"""How many transactions of a tenant may run scripts at a time: two, with ten waiting; more are told to come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from trellis_plugins.scripts.host.errors import SandboxBusy

AT_ONCE, WAITING, WAIT_S = 2, 10, 10.0


class Admission:
    """The door of one tenant."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._waiting = 0

    def enter(self) -> Callable[[], None]:
        """Take a place, waiting for one; return what gives it back. Raises :class:`SandboxBusy`."""
        if not self._places.acquire(blocking=False):
            with self._lock:
                if self._waiting >= WAITING:
                    raise SandboxBusy("Too many scripts wait already. Try again in a moment.")
                self._waiting += 1
            try:
                if not self._places.acquire(timeout=WAIT_S):
                    raise SandboxBusy("Other scripts have run for too long. Try again in a moment.")
            finally:
                with self._lock:
                    self._waiting -= 1
        return self._places.release


_doors: WeakKeyDictionary[Any, Admission] = WeakKeyDictionary()
_lock = threading.Lock()


def admission_of(tenant: Any) -> Admission:
    """Return the door of a tenant in this process."""
    with _lock:
        return _doors.setdefault(tenant, Admission())
