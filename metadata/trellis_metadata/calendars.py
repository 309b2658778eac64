"""What a calendar document says, with what it takes over from the one it extends.

A *shift* is written ``"09:00-12:30"``, in wall-clock time of the calendar's zone. One that ends at or before its beginning ends on
the next day; it belongs to the day on which it begins. Inside, a shift is a pair of minutes since the midnight of its day.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = 24 * 60
Shift = tuple[int, int]
Shifts = tuple[Shift, ...]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """Days that differ from the week: ``first`` to ``last``, each year again with ``every_year``. No ``shifts``: closed."""

    name: str
    label: Any
    first: date
    last: date
    every_year: bool
    shifts: Shifts

    def holds_on(self, day: date) -> bool:
        """Whether ``day`` is one of these days. A period of each year may lead over the turn of the year."""
        if not self.every_year:
            return self.first <= day <= self.last
        first, last, asked = ((d.month, d.day) for d in (self.first, self.last, day))
        return first <= asked <= last if self.first.year == self.last.year else asked >= first or asked <= last


@dataclass(frozen=True, slots=True)
class CalendarRules:
    """``week`` has the shifts of Monday to Sunday. ``country`` None: no public holidays. ``days`` are in the order in which they
    count: the first that holds on a day decides."""

    name: str
    zone: str
    week: tuple[Shifts, ...]
    country: str | None
    subdivision: str | None
    make_up_days: bool
    make_up: Shifts
    days: tuple[SpecialDay, ...]


def read_shift(text: str) -> Shift:
    """Return the minutes of a shift; ``text`` has the form that the schema asks for."""
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in text.split("-"))
    return start, end if end > start else end + DAY


def read_shifts(texts: Sequence[str]) -> Shifts:
    """Return shifts in the order of the day."""
    return tuple(sorted(map(read_shift, texts)))


def write_shift(shift: Shift) -> str:
    """Return the text of a shift."""
    start, end = shift
    return f"{_clock(start)}-{'24:00' if end == DAY else _clock(end % DAY)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def chain(name: str, documents: Mapping[str, Document]) -> list[Document]:
    """Return a calendar and those it extends, the outermost base first. What is unknown or goes in a circle ends it."""
    found: list[Document] = []
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at in documents and at not in seen:
        seen.add(at)
        found.insert(0, documents[at])
        at = documents[at].get("extends")
    return found


def rules_of(name: str, documents: Mapping[str, Document]) -> CalendarRules:
    """Return what holds for a calendar that has been checked. A weekday, a day or the holidays of the heir replace the base's."""
    documents_of = chain(name, documents)
    zone, like = "UTC", "monday"
    week: dict[str, Shifts] = {}
    holidays: Mapping[str, Any] = {}
    days: dict[str, Document] = {}
    for document in documents_of:
        zone, like = document.get("time_zone", zone), document.get("make_up_like", like)
        week |= {day: read_shifts(texts) for day, texts in document.get("hours", {}).items()}
        holidays = document.get("holidays", holidays)
        own = {day["name"]: day for day in document.get("days", ())}
        # INVARIANT: the heir's days come first, in their own order.
        days = own | {name: day for name, day in days.items() if name not in own}
    make_up = week.get(like, ())
    return CalendarRules(
        name,
        zone,
        tuple(week.get(day, ()) for day in WEEKDAYS),
        holidays.get("country"),
        holidays.get("subdivision"),
        holidays.get("make_up_days", True),
        make_up,
        tuple(sorted((_special(d, make_up) for d in days.values()), key=lambda d: d.every_year)),
    )


def _special(day: Document, make_up: Shifts) -> SpecialDay:
    shifts: Shifts = ()
    if day.get("working"):
        shifts = read_shifts(day["hours"]) if "hours" in day else make_up
    first = date.fromisoformat(day["date"])
    last = date.fromisoformat(day["until"]) if "until" in day else first
    return SpecialDay(day["name"], day.get("label", day["name"]), first, last, day.get("every_year", False), shifts)


def overlapping(week: Sequence[Shifts]) -> Iterator[tuple[int, Shift, Shift]]:
    """Yield the weekday and two shifts that overlap, also over midnight and from Sunday to Monday."""
    for day, shifts in enumerate(week):
        after = tuple((start + DAY, end + DAY) for start, end in week[(day + 1) % 7])
        all_of_them = sorted((*shifts, *after))
        for first, second in itertools.pairwise(all_of_them):
            if second[0] < first[1] and first in shifts:
                yield day, first, second
