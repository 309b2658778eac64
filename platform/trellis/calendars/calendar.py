"""A calendar, compiled: each year once into open intervals with running sums, so that reckoning is a search in a list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from trellis.calendars.public_holidays import PublicYear, public_year
from trellis.calendars.wall_clock import instant, intervals, merged, moment_of, start_of_year
from trellis_metadata.calendars import CalendarRules, Shifts
from trellis_metadata.errors import TrellisError

FIRST_YEAR, LAST_YEAR = 1900, 2200
MICROSECOND = timedelta(microseconds=1)
_NONE = PublicYear({}, frozenset())


class NeverOpen(TrellisError):
    """The calendar has no working time where it was looked for."""

    code = "never_open"


@dataclass(frozen=True, slots=True)
class _Year:
    """The open intervals of one year of the zone. ``sums[i]`` is the working time before interval i; the last one is the total."""

    starts: list[int]
    ends: list[int]
    sums: list[int]

    @property
    def total(self) -> int:
        return self.sums[-1]

    def passed(self, at: int) -> int:
        """Return the working time of the year before ``at``."""
        index = bisect_right(self.starts, at) - 1
        return 0 if index < 0 else self.sums[index] + min(at, self.ends[index]) - self.starts[index]


class Calendar:
    """See :class:`trellis.calendars.working_time.WorkingTime`. Safe to share between threads."""

    def __init__(self, rules: CalendarRules) -> None:
        self.rules = rules
        self.name: str | None = rules.name
        self.zone = rules.zone
        self._zone = ZoneInfo(rules.zone)
        self._years: dict[int, _Year] = {}
        self._days: dict[int, list[int]] = {}

    # -- days ------------------------------------------------------------------------------------------------------

    def shifts_on(self, day: date) -> Shifts:
        """Return the shifts that begin on a day."""
        special = next((d for d in self.rules.days if d.holds_on(day)), None)
        if special is not None:
            return special.shifts
        public = self._public(day.year)
        if day in public.worked:
            return self.rules.week[day.weekday()] or self.rules.make_up
        return () if day in public.closed else self.rules.week[day.weekday()]

    def reason(self, day: date, language: str | None = None) -> Any:
        """Return the label of the own day or the name of the public holiday that decides about ``day``; None for the week."""
        special = next((d for d in self.rules.days if d.holds_on(day)), None)
        return special.label if special is not None else self._public(day.year, language).closed.get(day)

    def is_make_up(self, day: date) -> bool:
        """Whether ``day`` is a weekend day that the country works in exchange for a holiday."""
        return day in self._public(day.year).worked and not any(d.holds_on(day) for d in self.rules.days)

    def is_working_day(self, day: date) -> bool:
        return bool(self.shifts_on(day))

    def add_working_days(self, day: date, count: int) -> date:
        if count == 0:
            return day
        year = self._day_list(day.year)
        at = day.year
        index = (
            bisect_right(year, day.toordinal()) + count - 1 if count > 0 else bisect_left(year, day.toordinal()) + count
        )
        while index >= len(year):
            index -= len(year)
            at += 1
            year = self._day_list(at)
        while index < 0:
            at -= 1
            year = self._day_list(at)
            index += len(year)
        return date.fromordinal(year[index])

    def working_days(self, first: date, last: date) -> int:
        if last < first:
            return -self.working_days(last, first)
        whole = sum(len(self._day_list(y)) for y in range(first.year, last.year))
        upto = bisect_right(self._day_list(last.year), last.toordinal())
        return whole + upto - bisect_left(self._day_list(first.year), first.toordinal())

    # -- moments ---------------------------------------------------------------------------------------------------

    def is_open(self, moment: datetime) -> bool:
        at = instant(moment)
        year = self._year(self._year_of(at))
        index = bisect_right(year.starts, at) - 1
        return index >= 0 and at < year.ends[index]

    def next_opening(self, moment: datetime) -> datetime:
        if self.is_open(moment):
            return moment
        at = instant(moment)
        number = self._year_of(at)
        while True:
            year = self._year(number)
            index = bisect_right(year.starts, at)
            if index < len(year.starts):
                return moment_of(year.starts[index])
            number += 1

    def add(self, moment: datetime, duration: timedelta) -> datetime:
        if not duration:
            return moment
        at = instant(moment)
        number = self._year_of(at)
        year = self._year(number)
        target = year.passed(at) + duration // MICROSECOND
        forward = duration > timedelta()
        while forward and target > year.total:
            target -= year.total
            number += 1
            year = self._year(number)
        while target < 0:
            number -= 1
            year = self._year(number)
            target += year.total
        index = (bisect_left(year.sums, target) if forward else bisect_right(year.sums, target)) - 1
        return moment_of(year.starts[index] + target - year.sums[index])

    def between(self, start: datetime, end: datetime) -> timedelta:
        if end < start:
            return -self.between(end, start)
        first, last = instant(start), instant(end)
        begun, done = self._year_of(first), self._year_of(last)
        whole = sum(self._year(y).total for y in range(begun, done))
        return (whole + self._year(done).passed(last) - self._year(begun).passed(first)) * MICROSECOND

    # -- years -----------------------------------------------------------------------------------------------------

    def _year_of(self, at: int) -> int:
        return moment_of(at).astimezone(self._zone).year

    def _year(self, number: int) -> _Year:
        found = self._years.get(number)
        if found is None:
            self._check(number)
            found = self._years[number] = self._compile(number)
        return found

    def _compile(self, number: int) -> _Year:
        """Return the open intervals between two turns of the year; what leads over a turn is cut there."""
        low, high = start_of_year(number, self._zone), start_of_year(number + 1, self._zone)
        near = (i for d in _days_around(number) for i in intervals(d, self.shifts_on(d), self._zone))
        cut = [(max(a, low), min(b, high)) for a, b in merged(near) if a < high and b > low]
        sums = list(accumulate((b - a for a, b in cut), initial=0))
        return _Year([a for a, _ in cut], [b for _, b in cut], sums)

    def _day_list(self, number: int) -> list[int]:
        found = self._days.get(number)
        if found is None:
            self._check(number)
            days = (date(number, 1, 1) + timedelta(days=n) for n in range(366))
            found = self._days[number] = [d.toordinal() for d in days if d.year == number and self.shifts_on(d)]
        return found

    def _check(self, number: int) -> None:
        if not FIRST_YEAR <= number <= LAST_YEAR:
            raise NeverOpen(
                f"The calendar '{self.name}' is reckoned from {FIRST_YEAR} to {LAST_YEAR}; the result lies in {number}."
            )

    def _public(self, number: int, language: str | None = None) -> PublicYear:
        country = self.rules.country
        if country is None:
            return _NONE
        found = public_year(country, self.rules.subdivision, number, language)
        return found if self.rules.make_up_days else PublicYear(found.closed, frozenset())

    @cached_property
    def week(self) -> tuple[Shifts, ...]:
        """The shifts of Monday to Sunday."""
        return self.rules.week


def _days_around(year: int) -> Iterator[date]:
    """Yield the days of a year and those before and after it whose shifts may reach into it."""
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return map(date.fromordinal, range(first - 3, last + 3))
