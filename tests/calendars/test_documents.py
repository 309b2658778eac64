"""What is refused in a calendar, by name and place; what each key does stands in the arithmetic and here."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from trellis.calendars import calendars_in
from trellis.fields import field_types
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot

from .sample import calendar, hours

LANGUAGE = Language(field_types(), system={})
PLAIN = calendar("plain", hours=hours("12345", "09:00-17:00"))


def found(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d.code, d.pointer) for d in LANGUAGE.check(list(documents))[1]]


def changed(**more: Any) -> dict[str, Any]:
    return {k: v for k, v in {**PLAIN, **more}.items() if v is not None}


WEDNESDAY = {"name": "x", "date": "2026-03-04"}


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        (changed(time_zone=None), "missing_zone", ""),
        (changed(time_zone="Mars/Olympus"), "unknown_zone", "/time_zone"),
        (changed(time_zone="../../etc/passwd"), "unknown_zone", "/time_zone"),
        (changed(hours=None), "never_open", ""),
        (changed(hours=hours("1")), "never_open", "/hours"),
        (changed(hours=hours("1", "09:00-12:00", "11:00-13:00")), "shifts_overlap", "/hours"),
        (changed(hours=hours("1", "22:00-06:00") | hours("2", "05:00-09:00")), "shifts_overlap", "/hours"),
        (changed(hours=hours("7", "22:00-06:00") | hours("1", "05:00-09:00")), "shifts_overlap", "/hours"),
        (changed(holidays={"country": "QQ"}), "unknown_country", "/holidays/country"),
        (changed(holidays={"country": "DE", "subdivision": "XX"}), "unknown_subdivision", "/holidays/subdivision"),
        (changed(holidays={"subdivision": "BY"}), "missing_country", "/holidays"),
        (changed(days=[{**WEDNESDAY, "date": "2026-02-30"}]), "bad_date", "/days/0/date"),
        (changed(days=[{**WEDNESDAY, "until": "2026-03-03"}]), "bad_period", "/days/0/until"),
        (changed(days=[{**WEDNESDAY, "hours": ["09:00-10:00"]}]), "closed_with_hours", "/days/0/hours"),
        (changed(days=[{**WEDNESDAY, "working": True}], make_up_like="sunday"), "no_hours", "/days/0"),
        (
            changed(days=[{**WEDNESDAY, "working": True, "hours": ["09:00-12:00", "11:00-13:00"]}]),
            "shifts_overlap",
            "/days/0/hours",
        ),
    ],
)
def test_what_cannot_be_a_calendar_is_refused_at_its_place(document: dict[str, Any], code: str, pointer: str) -> None:
    assert found(document) == [(code, pointer)]


def test_right_calendar_has_no_findings_and_shifts_may_touch() -> None:
    assert found(changed(hours=hours("12", "22:00-06:00", "06:00-14:00", "14:00-22:00"))) == []


def test_two_calendars_of_the_organisation_are_refused_at_both() -> None:
    two = [{**PLAIN, "default": True}, {**PLAIN, "name": "other", "default": True}]
    assert found(*two) == [("two_defaults", "/default")] * 2


def test_circles_and_missing_bases_are_refused() -> None:
    a, b = ({"kind": "calendar", "name": n, "extends": m} for n, m in (("a", "b"), ("b", "a")))
    assert found(a, b) == [("circle", "/extends")] * 2
    assert [p for _, p in found({"kind": "calendar", "name": "a", "extends": "nobody"})] == ["/extends"]


def test_heir_that_closes_its_last_open_weekday_is_refused() -> None:
    heir = {"kind": "calendar", "name": "heir", "extends": "plain", "hours": hours("12345")}
    assert found(PLAIN, heir) == [("never_open", "/hours")]


def test_unit_names_a_calendar_that_exists() -> None:
    tree = {"kind": "org_unit_tree", "name": "region", "units": [{"name": "east", "calendar": "nobody"}]}
    assert [p for _, p in found(tree)] == ["/units/0/calendar"]


def working(document: dict[str, Any], *days: str) -> list[bool]:
    known = calendars_in(Snapshot.of([PLAIN, document]))[document["name"]]
    return [known.is_working_day(date.fromisoformat(d)) for d in days]


def test_each_key_of_a_day_counts() -> None:
    def one(**more: Any) -> dict[str, Any]:
        return {**PLAIN, "name": "it", "days": [{**WEDNESDAY, **more}]}

    days = ("2026-03-03", "2026-03-04", "2026-03-05", "2027-03-04")
    assert working(one(), *days) == [True, False, True, True]
    assert working(one(until="2026-03-05"), *days) == [True, False, False, True]
    assert working(one(every_year=True), *days) == [True, False, True, False]
    saturday = {"name": "it", **PLAIN, "days": [{"name": "x", "date": "2026-03-07", "working": True}]}
    assert working({**saturday, "name": "it"}, "2026-03-07", "2026-03-14") == [True, False]


def test_single_day_counts_before_one_of_every_year_and_an_earlier_entry_before_a_later() -> None:
    closed, worked = {"date": "2026-03-04"}, {"date": "2026-03-04", "working": True}
    entries = [{"name": "a", **closed, "every_year": True}, {"name": "b", **worked}, {"name": "c", **closed}]
    assert working({**PLAIN, "name": "it", "days": entries}, "2026-03-04", "2027-03-04") == [True, False]


def test_days_of_the_heir_count_before_those_of_its_base() -> None:
    base = {**PLAIN, "name": "base", "days": [{"name": "a", "date": "2026-03-02", "until": "2026-03-06"}]}
    heir = {"kind": "calendar", "name": "heir", "extends": "base", "days": [{**WEDNESDAY, "working": True}]}
    known = calendars_in(Snapshot.of([base, heir]))
    assert [known["heir"].is_working_day(date(2026, 3, d)) for d in (3, 4, 5)] == [False, True, False]


def test_make_up_days_have_the_hours_of_the_weekday_that_is_named() -> None:
    week = hours("1234", "09:00-17:00") | hours("5", "09:00-13:00")
    document = calendar("it", "Asia/Shanghai", hours=week, holidays={"country": "CN"})
    saturday = date(2026, 2, 28)
    shifts = [
        calendars_in(Snapshot.of([{**document, **more}]))["it"].shifts_on(saturday)
        for more in ({}, {"make_up_like": "friday"}, {"holidays": {"country": "CN", "make_up_days": False}})
    ]
    assert shifts == [((540, 1020),), ((540, 780),), ()]


def test_own_day_counts_before_a_public_holiday_and_says_so() -> None:
    document = calendar(
        "it",
        hours=hours("12345", "09:00-17:00"),
        holidays={"country": "DE"},
        days=[{"name": "works", "label": "We work", "date": "2026-05-01", "working": True}],
    )
    known = calendars_in(Snapshot.of([document]))["it"]
    assert known.is_working_day(date(2026, 5, 1)) and known.reason(date(2026, 5, 1)) == "We work"
    assert not known.is_working_day(date(2026, 12, 25)) and "Weihnacht" in known.reason(date(2026, 12, 25), "de")
    assert known.reason(date(2026, 12, 25), "en_US") == "Christmas Day" and known.reason(date(2026, 5, 4)) is None
