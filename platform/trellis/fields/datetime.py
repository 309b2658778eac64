"""Moments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.options import check_limits
from trellis.fields.common.problems import invalid
from trellis.fields.common.ranges import within
from trellis.storage.types import UtcDateTime
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

_EXPECTED = "a date and time with its zone, such as 2026-11-22T08:00:00Z or 2026-11-22T16:00:00+08:00"
PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE = r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
_MOMENT = re.compile(rf"({PATTERN})[ ]?{_ZONE}?\Z", re.ASCII)
# One day from both ends of the calendar, so that every zone can show every moment.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)


class DateTimeField(FieldType):
    """A moment with microseconds.

    Any offset is read, UTC is stored; a time without zone is refused, since it names no moment.
    """

    name = "datetime"
    label = {"en": "Date and time", "zh": "日期时间"}
    icon = "calendar-time"
    category = "datetime"
    widget = "datetime"
    options = {
        "min": {
            "type": "string",
            "format": "date-time",
            "description": "First moment allowed.",
            "examples": ["2000-01-01T00:00:00Z"],
        },
        "max": {
            "type": "string",
            "format": "date-time",
            "description": "Last moment allowed.",
            "examples": ["2099-12-31T23:59:59Z"],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_limits(field, pointer, parse)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        read = within(field, parse, to_json)
        return Codec(
            (Column(UtcDateTime()),),
            read,
            "datetime",
            to_json=to_json,
            to_text=to_json,
            from_text=lambda text: read(text.strip()),
            json_schema={
                "type": "string",
                "pattern": rf"^\s*$|^{PATTERN} ?{_ZONE}$",
                "examples": ["2026-11-22T08:00:00Z"],
            },
        )


def parse(value: Any) -> datetime | None:
    """Read a moment (ISO 8601 text or an aware datetime) and return it in UTC, None when the text is blank."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _without_zone(value)
        return _in_utc(value, value)
    if not isinstance(value, str):
        raise invalid("wrong_type", value, _EXPECTED)
    match = _MOMENT.match(value)
    if not match:
        if not value.strip():
            return None
        raise invalid("bad_format", value, _EXPECTED)
    if not match[4]:
        raise _without_zone(value)
    try:
        moment = datetime.fromisoformat(match[1].upper() + match[4].upper())
    except ValueError:
        raise invalid("out_of_range", value, "a day and time that exist") from None
    return _in_utc(moment, value)


def to_json(value: datetime) -> str:
    """Return the moment in UTC, ISO 8601 with Z."""
    return value.isoformat().replace("+00:00", "Z")


def _in_utc(moment: datetime, found: object) -> datetime:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise _outside(found) from None
    if not _FIRST <= moment <= _LAST:
        raise _outside(found)
    return moment


def _outside(found: object) -> Exception:
    return invalid("out_of_range", found, f"a moment from {to_json(_FIRST)} to {to_json(_LAST)}")


def _without_zone(value: object) -> Exception:
    return invalid(
        "bad_format",
        value,
        "a zone after the time (Z for UTC, or an offset such as +08:00), because a time without zone names no moment",
    )
