"""Time is an argument: the only place that reads the wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """Return the current moment in UTC, whole microseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FakeClock:
    """A clock that stands still until it is moved; for tests and simulation."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by ``by``."""
        self._now += by

    def set(self, to: datetime) -> None:
        """Set the clock to ``to``."""
        self._now = to.astimezone(UTC)


def today(clock: Clock, zone: str) -> date:
    """Return the current date in ``zone`` (an IANA name); rules and clocks use the organisation's zone."""
    return clock.now().astimezone(ZoneInfo(zone)).date()
