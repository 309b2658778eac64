"""The calendar of those who have none: every moment is working time, every day a working day."""

from __future__ import annotations

from datetime import date, datetime, timedelta


class Always:
    """See :class:`trellis.calendars.working_time.WorkingTime`. Nothing is raised."""

    name: str | None = None
    zone = "UTC"

    def is_open(self, moment: datetime) -> bool:
        return True

    def next_opening(self, moment: datetime) -> datetime:
        return moment

    def add(self, moment: datetime, duration: timedelta) -> datetime:
        return moment + duration

    def between(self, start: datetime, end: datetime) -> timedelta:
        return end - start

    def is_working_day(self, day: date) -> bool:
        return True

    def add_working_days(self, day: date, count: int) -> date:
        return day + timedelta(days=count)

    def working_days(self, first: date, last: date) -> int:
        days = (last - first).days
        return days + 1 if days >= 0 else days - 1


ALWAYS = Always()
