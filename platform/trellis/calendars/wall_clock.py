"""Wall-clock times of a zone as UTC instants, in microseconds since 1970.

A moment is open if the clock on the wall shows a time within a shift. Where clocks are put back, the hour that comes twice counts
twice; where they are put forward, the hour that is skipped does not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trellis_metadata.calendars import Shift

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, SECOND = 60_000_000, 1_000_000
Interval = tuple[int, int]
"""From the first instant to the one at which it is over."""


def instant(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """Return the UTC moment."""
    return EPOCH + timedelta(microseconds=micros)


def start_of_year(year: int, zone: ZoneInfo) -> int:
    """Return the instant at which a year begins in a zone."""
    return instant(datetime(year, 1, 1, tzinfo=zone).astimezone(UTC))


def intervals(day: date, shifts: Sequence[Shift], zone: ZoneInfo) -> list[Interval]:
    """Return when the shifts that begin on ``day`` are open."""
    if not shifts:
        return []
    midnight = datetime.combine(day, time())
    naive = instant(midnight.replace(tzinfo=UTC))
    walls = [(naive + start * MINUTE, naive + end * MINUTE) for start, end in shifts]
    before, after = _offset(midnight - timedelta(days=1), zone), _offset(midnight + timedelta(days=3), zone)
    if before == after:
        return [(start - before, end - before) for start, end in walls]
    change = _change(instant((midnight - timedelta(days=1)).replace(tzinfo=UTC)) - before, before, zone)
    found = []
    for start, end in walls:
        found.append((start - before, min(end - before, change)))
        found.append((max(start - after, change), end - after))
    return [i for i in found if i[0] < i[1]]


def merged(found: Iterable[Interval]) -> list[Interval]:
    """Return the same instants as intervals that neither touch nor overlap, in order."""
    out: list[Interval] = []
    for start, end in sorted(found):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _offset(wall: datetime, zone: ZoneInfo) -> int:
    offset = wall.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


def _change(start: int, before: int, zone: ZoneInfo) -> int:
    """Return the instant within five days of ``start`` at which the offset stops being ``before``."""
    low, high = start // SECOND, start // SECOND + 5 * 86_400
    while high - low > 1:
        middle = (low + high) // 2
        offset = moment_of(middle * SECOND).astimezone(zone).utcoffset()
        assert offset is not None
        low, high = (middle, high) if offset // timedelta(microseconds=1) == before else (low, middle)
    return high * SECOND
