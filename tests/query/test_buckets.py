"""Dates and moments in groups by day, week, month, quarter, year and fiscal year. The oracle is Python's calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.kernel import create, field, obj, page, publish

from trellis.query import InvalidQuery
from trellis.query.buckets import UNITS
from trellis.tenant import Tenant

DAYS = [
    date(1, 1, 1),
    date(1, 12, 31),
    date(1900, 2, 28),
    *(date(2023, 12, 25) + timedelta(days=5 * n) for n in range(160)),
    date(2024, 2, 29),
    date(2024, 12, 29),
    date(2024, 12, 30),
    date(9999, 12, 31),
]
MOMENTS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=31 * n, microseconds=n) for n in range(120)]


def _build(tenant: Tenant) -> None:
    publish(tenant, obj("event", field("day", "date"), field("at", "datetime"), field("name")))
    create(tenant, "event", *({"day": d.isoformat()} for d in DAYS), {})
    create(tenant, "event", *({"at": m.isoformat().replace("+00:00", "Z")} for m in MOMENTS))


@pytest.fixture
def events(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    return open_copy("buckets", _build)


def first_day(day: date, unit: str, fiscal_start: int) -> str:
    """Walk back day by day until the day before lies in another bucket."""

    def bucket(d: date) -> Any:
        fiscal_months = d.year * 12 + d.month - fiscal_start
        return {
            "day": d,
            "week": d.isocalendar()[:2],
            "month": (d.year, d.month),
            "quarter": (d.year, (d.month - 1) // 3),
            "year": d.year,
            "fiscal_quarter": fiscal_months // 3,
            "fiscal_year": fiscal_months // 12,
        }[unit]

    while day > date.min and bucket(day - timedelta(days=1)) == bucket(day):
        day -= timedelta(days=1)
    return day.isoformat()


def counts(tenant: Tenant, group: str) -> dict[str | None, int]:
    found = page(tenant, "event", group_by=[group], aggregates=[{"function": "count"}], limit=1000).rows
    assert [r[group] for r in found] == sorted((r[group] for r in found), key=lambda v: (v is None, v))
    return {r[group]: r["count"] for r in found}


@pytest.mark.parametrize("fiscal_start", [1, 4, 10])
def test_dates_fall_into_the_bucket_that_the_calendar_says(events: Tenant, fiscal_start: int) -> None:
    events.change_settings(fiscal_start=fiscal_start)
    for unit in UNITS:
        expected: Counter[str | None] = Counter(first_day(d, unit, fiscal_start) for d in DAYS)
        expected[None] = 1 + len(MOMENTS)
        assert counts(events, f"day:{unit}") == expected, unit


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_moments_count_as_their_day_in_the_organisations_zone(events: Tenant, zone: str) -> None:
    events.change_settings(time_zone=zone)
    for unit in ("day", "week", "month"):
        expected: Counter[str | None] = Counter(
            first_day(m.astimezone(ZoneInfo(zone)).date(), unit, 1) for m in MOMENTS
        )
        expected[None] = 1 + len(DAYS)
        assert counts(events, f"at:{unit}") == expected, unit


def test_two_buckets_of_one_field_stand_side_by_side(events: Tenant) -> None:
    rows = page(
        events,
        "event",
        filter={"field": "day", "op": "between", "value": ["2024-01-01", "2024-12-31"]},
        group_by=["day:year", "day:quarter"],
        aggregates=[{"function": "count"}],
    ).rows
    assert [(r["day:year"], r["day:quarter"]) for r in rows] == [
        ("2024-01-01", f"2024-{m}-01") for m in ("01", "04", "07", "10")
    ]


@pytest.mark.parametrize(
    ("group", "code"),
    [
        ("day:fortnight", "unknown_bucket"),
        ("name:month", "not_a_date"),
        ("dai:month", "unknown_field"),
        ("day:", "unknown_bucket"),
    ],
)
def test_bucket_that_does_not_exist_is_refused(events: Tenant, group: str, code: str) -> None:
    with pytest.raises(InvalidQuery) as refusal:
        page(events, "event", group_by=[group])
    assert [(p["at"], p["code"]) for p in refusal.value.problems] == [("group_by.0", code)]
