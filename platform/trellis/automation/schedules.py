"""Cron expressions of schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError


def problem_of(cron: str, zone: str) -> tuple[str, str] | None:
    """Return the key and the reason why a schedule is none, None if it is one."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "zone", f"'{zone}' is no time zone. Use an IANA name such as Asia/Shanghai."
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC).astimezone(where)))
    except (CronSimError, StopIteration) as problem:
        return "cron", f"'{cron}' is no schedule: {problem or 'it never comes'}."
    return None
