"""Relative dates in filters: ``TODAY``, ``LAST_N_DAYS:30``, ``THIS_MONTH`` … as half-open ranges of days.

Names and meaning follow Salesforce's SOQL date literals; weeks begin on Monday (ISO 8601).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

Range = tuple[date, date]
_WITH_NUMBER = re.compile(r"(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS):(\d{1,4})\Z")
_SPAN = re.compile(r"(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)\Z")


def range_of(text: object, today: date) -> Range | None:
    """Return first day and first day after of a relative date, or None if ``text`` is not one."""
    if not isinstance(text, str):
        return None
    if text in _DAYS:
        day = today + timedelta(days=_DAYS[text])
        return day, day + timedelta(days=1)
    match = _SPAN.match(text)
    if match:
        return _span(match[2], today, {"LAST": -1, "THIS": 0, "NEXT": 1}[match[1]], 1)
    match = _WITH_NUMBER.match(text)
    if not match:
        return None
    number = int(match[3])
    if match[2] == "DAYS":
        if match[1] == "LAST":
            return today - timedelta(days=number - 1), today + timedelta(days=1)
        return today + timedelta(days=1), today + timedelta(days=number + 1)
    unit = match[2][:-1]
    return _span(unit, today, -number, number) if match[1] == "LAST" else _span(unit, today, 1, number)


_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
NAMES = (
    *_DAYS,
    *(f"{w}_{u}" for w in ("LAST", "THIS", "NEXT") for u in ("WEEK", "MONTH", "QUARTER", "YEAR")),
    *(f"{w}_N_{u}:n" for w in ("LAST", "NEXT") for u in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS")),
)


def _span(unit: str, today: date, offset: int, length: int) -> Range:
    if unit == "WEEK":
        monday = today - timedelta(days=today.weekday())
        return monday + timedelta(weeks=offset), monday + timedelta(weeks=offset + length)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    start = _first(unit)(today)
    return _add_months(start, offset * months), _add_months(start, (offset + length) * months)


def _first(unit: str) -> Callable[[date], date]:
    if unit == "YEAR":
        return lambda d: d.replace(month=1, day=1)
    if unit == "QUARTER":
        return lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1)
    return lambda d: d.replace(day=1)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(min(max(index // 12, 1), 9999), index % 12 + 1, 1)
