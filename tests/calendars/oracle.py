"""Working time counted quarter of an hour by quarter of an hour, from the documents and from lists of holidays copied by hand.

Nothing of ``trellis.calendars`` is used: a quarter is open if the clock on the wall shows a time of one of the shifts that begin on
its day or on the day before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .sample import CALENDARS, WEEK

QUARTER = timedelta(minutes=15)
BY_NAME = {c["name"]: c for c in CALENDARS}


def days(text: str) -> set[date]:
    """Read ``2026-01-01..03 2026-04-04``."""
    found = set()
    for part in text.split():
        first = date.fromisoformat(part[:10])
        last = int(part[12:]) if ".." in part else first.day
        found |= {first + timedelta(days=n) for n in range(last - first.day + 1)}
    return found


# Notices of the General Office of the State Council on the holidays of 2024, 2025 and 2026.
CHINA = days(
    "2024-01-01 2024-02-10..17 2024-04-04..06 2024-05-01..05 2024-06-10 2024-09-15..17 2024-10-01..07 "
    "2025-01-01 2025-01-28..31 2025-02-01..04 2025-04-04..06 2025-05-01..05 2025-05-31 2025-06-01..02 2025-10-01..08 "
    "2026-01-01..03 2026-02-15..23 2026-04-04..06 2026-05-01..05 2026-06-19..21 2026-09-25..27 2026-10-01..07 2027-01-01"
)
CHINA_MAKE_UP = days(
    "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12 "
    "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 "
    "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
)
# Federal holidays of Germany; Bavaria has Epiphany, Corpus Christi, Assumption (in most places) and All Saints besides.
GERMANY = days(
    "2024-01-01 2024-03-29 2024-04-01 2024-05-01 2024-05-09 2024-05-20 2024-10-03 2024-12-25..26 "
    "2025-01-01 2025-04-18 2025-04-21 2025-05-01 2025-05-29 2025-06-09 2025-10-03 2025-12-25..26 "
    "2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03 2026-12-25..26 2027-01-01"
)
BAVARIA = GERMANY | days(
    "2024-01-06 2024-05-30 2024-11-01 2025-01-06 2025-06-19 2025-11-01 2026-01-06 2026-06-04 2026-11-01"
)
CLOSED = {"shanghai": CHINA, "no_make_up": CHINA, "berlin": GERMANY, "munich": BAVARIA}
WORKED = {"shanghai": CHINA_MAKE_UP}


def own(name: str, key: str) -> Any:
    """Return a key of a calendar, or of the nearest one that it extends."""
    document = BY_NAME[name]
    return document[key] if key in document or "extends" not in document else own(document["extends"], key)


def week(name: str) -> dict[str, list[str]]:
    document = BY_NAME[name]
    base = week(document["extends"]) if "extends" in document else {}
    return {**base, **document.get("hours", {})}


def shifts(name: str, day: date) -> list[str]:
    """The shifts of a day. What ``shop`` and ``branch`` do on their own days is written out."""
    plain = week(name).get(WEEK[day.weekday()], [])
    if (name == "shop" and day == date(2026, 7, 1)) or (name == "branch" and day == date(2026, 8, 3)):
        return []
    if name == "shop" and day == date(2026, 7, 2):
        return []
    if (name == "branch" and day == date(2026, 7, 2)) or (name in ("shop", "branch") and day == date(2026, 7, 3)):
        return ["12:00-23:30"]
    if name in ("shop", "branch") and day == date(2027, 1, 1):
        return week(name)["sunday"]
    if name in ("shop", "branch") and (day.month, day.day) in ((12, 31), (1, 1)):
        return []
    if day in WORKED.get(name, ()):
        return plain or week(name)["monday"]
    return [] if day in CLOSED.get(name, ()) else plain


def is_open(name: str, moment: datetime) -> bool:
    wall = moment.astimezone(ZoneInfo(own(name, "time_zone")))
    clock = f"{wall:%H:%M}"
    for shift in shifts(name, wall.date()):
        start, end = shift.split("-")
        if start <= clock and (clock < end or end <= start):
            return True
    for shift in shifts(name, wall.date() - timedelta(days=1)):
        start, end = shift.split("-")
        if end <= start and clock < end:
            return True
    return False


def quarters(name: str, start: datetime, count: int, step: int = 1) -> list[tuple[datetime, bool]]:
    """Return ``count`` quarters from ``start`` on, or before it, and whether each is open."""
    begins = (start + QUARTER * (n if step > 0 else -1 - n) for n in range(count))
    return [(b, is_open(name, b)) for b in begins]


def between(name: str, start: datetime, end: datetime) -> timedelta:
    return QUARTER * sum(open_ for _, open_ in quarters(name, start, (end - start) // QUARTER))


def add(name: str, start: datetime, duration: timedelta) -> datetime:
    at, step, left = start, 1 if duration > timedelta() else -1, abs(duration) // QUARTER
    while left:
        if is_open(name, at if step > 0 else at - QUARTER):
            left -= 1
        at += QUARTER * step
    return at


def next_opening(name: str, at: datetime) -> datetime:
    while not is_open(name, at):
        at += QUARTER
    return at


def moment(text: str) -> datetime:
    """Read a UTC moment such as ``2026-03-29 00:45``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
