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


Piece = tuple[str, int]
"""A unit (``day``, ``week`` …) and how many of them lie between the present one and a day."""


def pieces_of(text: object) -> tuple[Piece, Piece] | None:
    """Return first day and first day after of a relative date, reckoned from the present day, or None if it is none."""
    if not isinstance(text, str):
        return None
    if text in _DAYS:
        return ("day", _DAYS[text]), ("day", _DAYS[text] + 1)
    match = _SPAN.match(text)
    if match:
        return _around(match[2].lower(), {"LAST": -1, "THIS": 0, "NEXT": 1}[match[1]], 1)
    match = _WITH_NUMBER.match(text)
    if not match:
        return None
    number = int(match[3])
    if match[2] == "DAYS":
        return (("day", 1 - number), ("day", 1)) if match[1] == "LAST" else (("day", 1), ("day", number + 1))
    return _around(match[2][:-1].lower(), -number if match[1] == "LAST" else 1, number)


def _around(unit: str, offset: int, length: int) -> tuple[Piece, Piece]:
    return (unit, offset), (unit, offset + length)


def range_of(text: object, today: date) -> Range | None:
    """Return first day and first day after of a relative date, or None if ``text`` is not one."""
    found = pieces_of(text)
    return (_day(found[0], today), _day(found[1], today)) if found else None


_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
NAMES = (
    *_DAYS,
    *(f"{w}_{u}" for w in ("LAST", "THIS", "NEXT") for u in ("WEEK", "MONTH", "QUARTER", "YEAR")),
    *(f"{w}_N_{u}:n" for w in ("LAST", "NEXT") for u in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS")),
)


def _day(piece: Piece, today: date) -> date:
    unit, count = piece
    if unit == "day":
        return today + timedelta(days=count)
    if unit == "week":
        return today - timedelta(days=today.weekday()) + timedelta(weeks=count)
    return _add_months(_first(unit)(today), {"month": 1, "quarter": 3, "year": 12}[unit] * count)


def _first(unit: str) -> Callable[[date], date]:
    if unit == "year":
        return lambda d: d.replace(month=1, day=1)
    if unit == "quarter":
        return lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1)
    return lambda d: d.replace(day=1)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(min(max(index // 12, 1), 9999), index % 12 + 1, 1)
