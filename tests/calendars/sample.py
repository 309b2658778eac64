"""The calendars of the tests."""

from __future__ import annotations

from typing import Any

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def hours(days: str, *shifts: str) -> dict[str, list[str]]:
    """Shifts for weekdays that are given as numbers, Monday is 1."""
    return {WEEK[int(d) - 1]: list(shifts) for d in days}


def calendar(name: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    return {"kind": "calendar", "name": name, "time_zone": zone, **more}


CALENDARS: list[dict[str, Any]] = [
    calendar("plain", hours=hours("12345", "09:00-17:00")),
    calendar(
        "shanghai",
        "Asia/Shanghai",
        default=True,
        hours=hours("12345", "09:00-12:00", "13:00-18:00"),
        holidays={"country": "CN"},
    ),
    {
        "kind": "calendar",
        "name": "no_make_up",
        "extends": "shanghai",
        "default": False,
        "holidays": {"country": "CN", "make_up_days": False},
    },
    calendar("berlin", "Europe/Berlin", hours=hours("12345", "08:00-16:30"), holidays={"country": "DE"}),
    {"kind": "calendar", "name": "munich", "extends": "berlin", "holidays": {"country": "DE", "subdivision": "BY"}},
    calendar("nights", "Europe/Berlin", hours=hours("1234567", "22:00-06:00")),
    calendar("new_york", "America/New_York", hours=hours("67", "00:00-24:00") | hours("3", "01:30-04:30")),
    calendar("lord_howe", "Australia/Lord_Howe", hours=hours("1234567", "00:30-03:15", "21:45-23:30")),
    calendar("apia", "Pacific/Apia", hours=hours("12345", "09:00-17:00")),
    calendar(
        "shop",
        "Asia/Kolkata",
        hours=hours("123456", "10:00-20:00") | hours("7", "12:00-15:00"),
        make_up_like="sunday",
        days=[
            {"name": "stocktaking", "date": "2026-07-01", "until": "2026-07-02"},
            {
                "name": "long_evening",
                "date": "2026-07-02",
                "until": "2026-07-03",
                "working": True,
                "hours": ["12:00-23:30"],
            },
            {"name": "turn_of_year", "date": "2020-12-31", "until": "2021-01-01", "every_year": True},
            {"name": "open_new_year", "date": "2027-01-01", "working": True},
        ],
    ),
    {
        "kind": "calendar",
        "name": "branch",
        "extends": "shop",
        "hours": {"sunday": [], "monday": ["22:00-04:00"]},
        "days": [{"name": "stocktaking", "date": "2026-08-03"}],
    },
]
