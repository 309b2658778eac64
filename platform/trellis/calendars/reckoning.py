"""What a duration of days and hours means in working time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from trellis.calendars.working_time import WorkingTime

DAY = timedelta(days=1)


def later(calendar: WorkingTime, start: datetime, length: timedelta) -> datetime:
    """Return when ``length`` has passed since ``start`` in working time: whole days are working days, the rest working hours.

    ``length`` is not negative. After whole days it is the same time of day; where that is closed, the next opening. Raises
    ``NeverOpen``.
    """
    days, rest = divmod(length, DAY)
    moment = start
    if days:
        zone = ZoneInfo(calendar.zone)
        local = start.astimezone(zone)
        day = calendar.add_working_days(local.date(), days)
        moment = calendar.next_opening(datetime.combine(day, local.time(), zone).astimezone(UTC))
    return calendar.add(moment, rest)
