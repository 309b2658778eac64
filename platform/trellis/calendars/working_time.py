"""What every calendar answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol


class WorkingTime(Protocol):
    """Moments are UTC; days are days of the calendar's zone. ``name`` is None where no calendar is set."""

    @property
    def name(self) -> str | None: ...

    @property
    def zone(self) -> str:
        """The IANA name of the zone whose days and wall clock count."""
        ...

    def is_open(self, moment: datetime) -> bool:
        """Whether people work at ``moment``. A shift holds its beginning and not its end."""
        ...

    def next_opening(self, moment: datetime) -> datetime:
        """Return ``moment`` if it is open, else the beginning of the next shift. Raises ``NeverOpen``."""
        ...

    def add(self, moment: datetime, duration: timedelta) -> datetime:
        """Return when ``duration`` of working time has passed since ``moment``; a negative one reckons backwards.

        What ends exactly with a shift ends with that shift, not with the beginning of the next; reckoned backwards, what begins
        with a shift begins there. No duration gives ``moment`` itself. Raises ``NeverOpen``.
        """
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from ``start`` to ``end``; negative if ``end`` lies before ``start``."""
        ...

    def is_working_day(self, day: date) -> bool:
        """Whether a shift begins on ``day``."""
        ...

    def add_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day`` (before it, if negative); 0 gives ``day``. Raises ``NeverOpen``."""
        ...

    def working_days(self, first: date, last: date) -> int:
        """Return how many working days lie between two days, both counted; negative if ``last`` lies before ``first``."""
        ...
