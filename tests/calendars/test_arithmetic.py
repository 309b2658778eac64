"""Working time agrees with a table worked by hand and with a count of quarters of hours that knows nothing of the code."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.calendars import ALWAYS, NeverOpen, WorkingTime, calendars_in
from trellis_metadata.snapshot import Snapshot

from . import oracle
from .oracle import QUARTER, moment
from .sample import CALENDARS, calendar, hours

KNOWN = calendars_in(Snapshot.of(CALENDARS))
TABLE = Path(__file__).with_name("worked_by_hand.txt").read_text("utf-8").splitlines()
CASES = [tuple(p.strip() for p in line.split("|")) for line in TABLE if line and not line.startswith("#")]
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?")


def duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text)
    assert found
    return timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0))


def answer(known: WorkingTime, question: str) -> Any:
    if question.startswith("next "):
        return known.next_opening(moment(question[5:]))
    words = question.split()
    if words[0] == "workday":
        return known.add_working_days(date.fromisoformat(words[1]), int(words[2] + words[3]))
    if words[0] == "days":
        return known.working_days(date.fromisoformat(words[1]), date.fromisoformat(words[3]))
    start = moment(f"{words[0]} {words[1]}")
    if words[2] == "..":
        return known.between(start, moment(f"{words[3]} {words[4]}"))
    return known.add(start, duration(words[3]) * (1 if words[2] == "+" else -1))


def expected(text: str) -> Any:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return duration(text) if "-" not in text else moment(text)


@pytest.mark.parametrize(("name", "question", "result"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_reckoning_agrees_with_the_table_worked_by_hand(name: str, question: str, result: str) -> None:
    assert answer(KNOWN[name], question) == expected(result)


# Days around which something happens: changes of clocks, holidays, turns of years, days of the shop.
HOT = [
    "2024-02-10", "2024-10-06", "2024-11-03", "2025-01-26", "2025-03-30", "2025-10-05", "2025-10-11", "2025-12-31",
    "2026-02-14", "2026-03-08", "2026-03-29", "2026-04-05", "2026-06-30", "2026-08-03", "2026-10-01", "2026-10-25",
    "2026-11-01", "2026-12-30",
]  # fmt: skip


def drawn() -> list[tuple[str, datetime, int, int]]:
    """Return a calendar, a beginning, the quarters to its end, and the quarters of work to add; 24 for each calendar."""
    dice = random.Random(20260302)
    found = []
    for name in KNOWN:
        for _ in range(24):
            day = datetime.fromisoformat(dice.choice(HOT)).replace(tzinfo=UTC)
            start = day + QUARTER * dice.randrange(-200, 200)
            found.append((name, start, dice.randrange(1, 500), dice.randrange(1, 80)))
    return found


@pytest.mark.parametrize(("name", "start", "span", "work"), drawn())
def test_reckoning_agrees_with_counting_quarters(name: str, start: datetime, span: int, work: int) -> None:
    known, end = KNOWN[name], start + QUARTER * span
    assert known.is_open(start) == oracle.is_open(name, start)
    assert known.between(start, end) == oracle.between(name, start, end)
    assert known.add(start, QUARTER * work) == oracle.add(name, start, QUARTER * work)
    assert known.add(start, -QUARTER * work) == oracle.add(name, start, -QUARTER * work)
    assert known.next_opening(start) == oracle.next_opening(name, start)


MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2032, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))
NAMES = st.sampled_from(sorted(KNOWN))
WORK = st.timedeltas(timedelta(days=-400), timedelta(days=400))


@settings(max_examples=60, deadline=None)
@given(NAMES, MOMENTS, WORK)
def test_what_was_added_lies_between(name: str, start: datetime, work: timedelta) -> None:
    known = KNOWN[name]
    end = known.add(start, work)
    assert known.between(start, end) == work
    assert known.between(end, start) == -work
    assert (end >= start) == (work >= timedelta())


@settings(max_examples=60, deadline=None)
@given(NAMES, MOMENTS, WORK.map(abs), WORK.map(abs))
def test_adding_twice_is_adding_the_sum(name: str, start: datetime, one: timedelta, two: timedelta) -> None:
    known = KNOWN[name]
    assert known.add(known.add(start, one), two) == known.add(start, one + two)


@settings(max_examples=60, deadline=None)
@given(NAMES, MOMENTS, st.integers(-900, 900))
def test_the_nth_working_day_has_n_working_days_before_it(name: str, start: datetime, count: int) -> None:
    known, day = KNOWN[name], start.date()
    found = known.add_working_days(day, count)
    if count:
        assert known.is_working_day(found)
        assert abs(known.working_days(day, found)) == abs(count) + known.is_working_day(day)
    else:
        assert found == day


def test_without_a_calendar_every_moment_is_working_time() -> None:
    at = moment("2026-03-07 03:00")
    assert ALWAYS.is_open(at) and ALWAYS.next_opening(at) == at and ALWAYS.name is None
    assert ALWAYS.add(at, timedelta(hours=5)) == at + timedelta(hours=5)
    assert ALWAYS.between(at, at - timedelta(days=1)) == -timedelta(days=1)
    assert ALWAYS.add_working_days(at.date(), 3) == date(2026, 3, 10) and ALWAYS.is_working_day(at.date())
    assert ALWAYS.working_days(date(2026, 3, 7), date(2026, 3, 8)) == 2
    assert ALWAYS.working_days(date(2026, 3, 8), date(2026, 3, 7)) == -2


def test_results_beyond_the_years_of_calendars_are_refused_by_name() -> None:
    with pytest.raises(NeverOpen, match=r"'plain' is reckoned from 1900 to 2200; the result lies in 2201"):
        KNOWN["plain"].add(moment("2026-01-01 00:00"), timedelta(days=400 * 365))
    with pytest.raises(NeverOpen, match="lies in 1899"):
        KNOWN["plain"].add_working_days(date(2026, 1, 1), -100_000)


def test_calendar_that_is_open_on_one_day_of_a_year_ends_its_search() -> None:
    once = calendar(
        "once",
        hours=hours("1", "09:00-10:00"),
        days=[
            {"name": "closed", "date": "2020-01-01", "until": "2090-12-31"},
        ],
    )
    known = calendars_in(Snapshot.of([once]))["once"]
    assert known.next_opening(moment("2026-01-01 00:00")) == moment("2091-01-01 09:00")


def test_ten_years_cost_no_more_than_their_days() -> None:
    """Each day of a year is looked at once, however often and how far is reckoned."""
    known = calendars_in(Snapshot.of([CALENDARS[0]]))["plain"]
    asked: list[date] = []
    plain = known.shifts_on
    known.shifts_on = lambda day: asked.append(day) or plain(day)  # type: ignore[func-returns-value, method-assign]
    for _ in range(50):
        known.add(moment("2026-01-01 00:00"), timedelta(hours=8 * 2600))
    assert len(asked) < 11 * 375
