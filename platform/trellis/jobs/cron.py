"""Cron expressions in a zone: minute, hour, day of month, month, day of week.

Where clocks change, the rules of Debian's cron hold: what is set for a time of day that is skipped happens right after the gap, what
is set for one that comes twice happens once; what happens every hour or more often goes on with the hours that really pass.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from trellis_metadata.errors import TrellisError

LONGEST = 120
_ANY = datetime(2026, 1, 1, tzinfo=UTC)


class BadSchedule(TrellisError):
    """The cron expression or the zone of a schedule is none."""

    code = "bad_schedule"


def check(cron: str, zone: str) -> None:
    """Raise :class:`BadSchedule` if ``cron`` is no expression of five fields that ever comes, or ``zone`` no IANA name."""
    next_moment(cron, zone, _ANY)


def next_moment(cron: str, zone: str, after: datetime) -> datetime:
    """Return the first UTC moment of a schedule after ``after``, which it does not hold. Raises :class:`BadSchedule`."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise BadSchedule(
            f"'{zone[:60]}' is no time zone. Use a name of the IANA list, such as Europe/Berlin."
        ) from None
    if len(cron) > LONGEST or len(cron.split()) != 5:
        raise BadSchedule(f"'{cron[:60]}' is no schedule: five fields are expected, as in \"0 9 * * 1\".")
    try:
        found: datetime = next(CronSim(cron, after.astimezone(where)))
    except CronSimError as problem:
        raise BadSchedule(f"'{cron}' is no schedule: {problem}.") from None
    except StopIteration:
        raise BadSchedule(f"'{cron}' never comes.") from None
    return found.astimezone(UTC)
