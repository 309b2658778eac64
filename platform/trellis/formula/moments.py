"""Dates, moments and times: shifting, reading and writing them."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from trellis.formula.numbers import WIDE, size_of, whole
from trellis.formula.values import fail

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_MOMENT = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})\Z")


def make_date(year: int, month: int, day: int) -> date:
    """Return a real day of the years 1 to 9999, else fail."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        fail("bad_date", f"There is no day {year}-{month}-{day}.")


def read_date(text: str) -> date:
    """Read ``yyyy-m-d``; what follows the day is ignored."""
    found = _DATE.match(text)
    if found is None:
        fail("bad_date", "A date is written yyyy-mm-dd.")
    return make_date(*(int(g) for g in found.groups()))


def read_moment(text: str) -> datetime:
    """Read ``yyyy-m-d h:m:s`` as UTC; what follows is ignored."""
    found = _MOMENT.match(text)
    if found is None:
        fail("bad_date", "A date with time is written yyyy-mm-dd hh:mm:ss.")
    try:
        return datetime(*(int(g) for g in found.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        fail("bad_date", "There is no such date or time of day.")


def read_time(text: str) -> time:
    """Read exactly ``HH:mm:ss.SSS``."""
    found = _TIME.match(text)
    if found is None:
        fail("bad_date", "A time is written HH:mm:ss.SSS.")
    hour, minute, second, milli = (int(g) for g in found.groups())
    try:
        return time(hour, minute, second, milli * 1000)
    except ValueError:
        fail("bad_date", "There is no such time of day.")


def micros(delta: timedelta) -> int:
    """Return a duration in microseconds."""
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def millis(value: time) -> int:
    """Return the milliseconds since midnight."""
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000


def time_of(ms: int) -> time:
    """Return the time that many milliseconds after midnight."""
    seconds, milli = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return time(hour, minute, second, milli * 1000)


def shift_date(day: date, n: Decimal) -> date:
    """Add whole days; the fraction is cut."""
    try:
        return day + timedelta(days=whole(n))
    except OverflowError:
        fail("bad_date", "The date is outside the years 1 to 9999.")


def shift_datetime(moment: datetime, n: Decimal) -> datetime:
    """Add days, rounded half-up to whole seconds."""
    try:
        seconds = int(WIDE.multiply(n, Decimal(86_400)).to_integral_value(ROUND_HALF_UP)) if size_of(n) < 12 else 10**17
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        fail("bad_date", "The date is outside the years 1 to 9999.")


def shift_time(value: time, n: Decimal) -> time:
    """Add whole milliseconds, round the clock going up; below midnight is an error."""
    total = millis(value) + whole(n)
    if total < 0:
        fail("bad_time", "The time is before midnight.")
    return time_of(total % DAY_MS)


def add_months(value: Any, n: int) -> Any:
    """Add months; the last day of a month stays a last day, else the day is limited to the month."""
    if abs(n) > 200_000:
        fail("bad_date", "The date is outside the years 1 to 9999.")
    month0 = value.year * 12 + value.month - 1 + n
    year, month = divmod(month0, 12)
    if not 1 <= year <= 9999:
        fail("bad_date", "The date is outside the years 1 to 9999.")
    last = calendar.monthrange(year, month + 1)[1]
    is_last = value.day == calendar.monthrange(value.year, value.month)[1]
    return value.replace(year=year, month=month + 1, day=last if is_last else min(value.day, last))


def write_moment(value: datetime) -> str:
    """Write a moment as ``yyyy-mm-dd hh:mm:ssZ``."""
    return f"{value.year:04}-{value.month:02}-{value.day:02} {value.hour:02}:{value.minute:02}:{value.second:02}Z"


def write_time(value: time) -> str:
    """Write a time as ``hh:mm:ss.SSS``."""
    return f"{value.hour:02}:{value.minute:02}:{value.second:02}.{value.microsecond // 1000:03}"


def day_of(value: datetime, zone: Any) -> date:
    """Return the day of a moment in a zone."""
    try:
        return value.astimezone(zone).date()
    except OverflowError:
        fail("bad_date", "The date is outside the years 1 to 9999.")
