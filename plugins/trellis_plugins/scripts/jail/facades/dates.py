"""``datetime``: dates, moments, times, spans. "Now" and "today" are those of the transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

from trellis_plugins.scripts.jail.builtins import Facade

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards


def types(guards: Guards) -> dict[str, Any]:
    """Return the facades of the types by name."""
    clock = guards.clock

    def now(tz: Any = None) -> datetime:
        if tz is None:
            return clock.local.replace(tzinfo=None)  # type: ignore[no-any-return]
        if type(tz) is not timezone:
            raise TypeError("now() takes a time zone")
        return clock.local.astimezone(tz)  # type: ignore[no-any-return]

    def utcnow() -> datetime:
        return clock.local.astimezone(UTC).replace(tzinfo=None)  # type: ignore[no-any-return]

    def today() -> date:
        return clock.local.date()  # type: ignore[no-any-return]

    def from_iso(kind: Any) -> Any:
        def read(text: Any) -> Any:
            if type(text) is not str or len(text) > 100:
                raise ValueError("a date in ISO form was expected")
            return kind.fromisoformat(text)

        return read

    def strptime(text: Any, pattern: Any) -> datetime:
        if type(text) is not str or type(pattern) is not str or len(text) > 200 or len(pattern) > 100:
            raise ValueError("strptime takes two short texts")
        return datetime.strptime(text, pattern)

    def combine(day: Any, moment: Any) -> datetime:
        return datetime.combine(day, moment)

    def from_timestamp(seconds: Any, tz: Any = UTC) -> datetime:
        if type(tz) is not timezone:
            raise TypeError("fromtimestamp() takes a time zone")
        return datetime.fromtimestamp(seconds, tz)

    def from_ordinal(number: Any) -> date:
        return date.fromordinal(number)

    def make(kind: Any) -> Any:
        def made(*args: Any, **named: Any) -> Any:
            return kind(*args, **named)

        return made

    return {
        "date": Facade(
            "date",
            date,
            make(date),
            today=today,
            fromisoformat=from_iso(date),
            fromordinal=from_ordinal,
            min=date.min,
            max=date.max,
        ),
        "datetime": Facade(
            "datetime",
            datetime,
            make(datetime),
            now=now,
            utcnow=utcnow,
            today=now,
            fromisoformat=from_iso(datetime),
            strptime=strptime,
            combine=combine,
            fromtimestamp=from_timestamp,
            min=datetime.min,
            max=datetime.max,
        ),
        "time": Facade("time", time, make(time), fromisoformat=from_iso(time), min=time.min, max=time.max),
        "timedelta": Facade("timedelta", timedelta, make(timedelta)),
        "timezone": Facade("timezone", timezone, make(timezone), utc=UTC),
    }


def names(guards: Guards) -> dict[str, Any]:
    """Return what the module offers."""
    return {**types(guards), "UTC": UTC}
