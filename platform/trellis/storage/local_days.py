"""The day of a moment in a zone, as SQL that gives the same on both databases: text ``yyyy-mm-dd``.

SQLite stores moments as microseconds and knows no zones; a function of this process does it there. PostgreSQL uses its own
zone tables. Days before year 1 or after year 9999 are cut to the ends of the calendar.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

NAME = "trellis_local_day"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def register(connection: Any) -> None:
    """Give a SQLite connection the function."""
    connection.create_function(NAME, 2, _day, deterministic=True)


def local_day(moment: sa.ColumnElement[Any], zone: str, *, is_sqlite: bool) -> sa.ColumnElement[Any]:
    """Return the day of a stored moment in ``zone`` (an IANA name): text on SQLite, a date on PostgreSQL."""
    if is_sqlite:
        return sa.Function(NAME, sa.type_coerce(moment, sa.BigInteger()), sa.literal(zone), type_=sa.Text())
    return sa.cast(sa.func.timezone(zone, moment), sa.Date())


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _day(micros: int | None, zone: str) -> str | None:
    if micros is None:
        return None
    moment = _EPOCH + timedelta(microseconds=micros)
    try:
        return moment.astimezone(_zone(zone)).date().isoformat()
    except OverflowError:
        return (date.min if moment.year == 1 else date.max).isoformat()
