"""Days and moments of the demo: working days, office hours, nothing later than the story's end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

YEARS_BACK_DAYS = 730


def working_day(day: date) -> date:
    """Return ``day``, or the Friday before it at a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def moment(random: Random, day: date, language: str = "zh") -> str:
    """Return a moment within office hours of ``day``: 9 to 17 h in China, 9 to 17 h in London elsewhere."""
    start = time(1) if language == "zh" else time(9)
    at = datetime.combine(working_day(day), start, UTC) + timedelta(minutes=5 * random.randrange(96))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(text: str, **by: int) -> str:
    """Return a moment later by days, hours or minutes."""
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") + timedelta(**by)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def past_day(random: Random, today: date, oldest: int, newest: int = 2) -> date:
    """Return a day between ``oldest`` and ``newest`` days ago; recent ones are likelier, as in a business that grows."""
    return today - timedelta(days=newest + int((oldest - newest) * (1 - random.random() ** 0.6)))


def until(today: date, text: str) -> str:
    """Return a moment, but not one later than the beginning of ``today``."""
    return min(text, f"{today.isoformat()}T00:00:00Z")
