"""Durations of steps and triggers, in time or in working time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trellis.calendars import calendar_of, calendars_for, default_calendar
from trellis.pipelines.pipeline import duration as unsigned

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def duration(text: str) -> timedelta:
    """Return an ISO 8601 duration of weeks, days, hours and minutes; a leading minus makes it negative."""
    return -unsigned(text[1:]) if text.startswith("-") else unsigned(text)


def later_by(
    tx: Transaction, start: datetime, length: timedelta, users: Sequence[int | None], calendar: str | None
) -> list[datetime | None]:
    """Return when a working time from ``start`` has passed, by ``calendar`` or by that of each of ``users``."""
    if calendar is not None:
        moment = calendar_of(tx.model, calendar).add(start, length)
        return [moment for _ in users]
    default = default_calendar(tx.model.snapshot)
    own = calendars_for(tx.tenant, tx.connection, [u for u in users if u is not None])
    return [(default if u is None else own.get(u, default)).add(start, length) for u in users]
