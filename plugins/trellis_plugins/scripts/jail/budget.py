"""The step budget: counts exactly, costs no Python frame per step, and cannot be caught or refilled.

One tick is one ``next`` of an iterator written in C. Once it is spent, every further tick raises again, so that a handler
or a ``finally`` gains nothing; the runner looks at :attr:`Budget.spent` at the end in any case.
"""

from __future__ import annotations

import operator
from collections import deque
from itertools import chain, islice, repeat
from typing import Any, NoReturn

from trellis_plugins.scripts.jail.limits import LimitReached, Stop


class Budget:
    """Steps and allocation of one run. ``tick`` takes one step and returns True."""

    def __init__(self, steps: int, allocation: int) -> None:
        self.allowed = steps
        self.allocation_allowed = self._allocation_left = allocation
        self.stopped: Stop | None = None
        self._used = 0
        self._left = repeat(True, steps)
        self._steps = chain(self._left, map(self._spend, repeat(None)))
        self.tick = self._steps.__next__

    def _spend(self, _: Any) -> NoReturn:
        self.stop(LimitReached("steps", self.allowed))

    def stop(self, signal: Stop) -> NoReturn:
        """End the run: remember the first signal, and take what is left of the steps so that nothing goes on."""
        if self.stopped is None:
            self._used = self.used
            self.stopped = signal
            deque(self._left, maxlen=0)
        raise self.stopped

    def charge(self, steps: int) -> None:
        """Take several steps at once."""
        if steps > 0:
            if steps > operator.length_hint(self._left):
                self._spend(None)
            next(islice(self._left, steps - 1, steps))

    def allocate(self, size: int) -> None:
        """Draw ``size`` characters or items on the allowance, and a step for each 64 of them."""
        self._allocation_left -= size
        if self._allocation_left < 0:
            self.stop(LimitReached("allocation", self.allocation_allowed))
        if size >= 64:
            self.charge(size >> 6)

    @property
    def used(self) -> int:
        """Steps taken so far."""
        return self._used if self.stopped else self.allowed - operator.length_hint(self._left)
