"""Times of day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.options import check_limits
from trellis.fields.common.problems import invalid
from trellis.fields.common.ranges import within
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

_EXPECTED = "a time of day such as 08:30 or 08:30:15, without zone"
_PATTERN = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_TIME = re.compile(rf"{_PATTERN}\Z", re.ASCII)


class TimeField(FieldType):
    """A time of day without date and zone, from 00:00 to 23:59:59.999999."""

    name = "time"
    label = {"en": "Time", "zh": "时间"}
    icon = "clock"
    category = "time"
    widget = "time"
    options = {
        "min": {
            "type": "string",
            "pattern": f"^{_PATTERN}$",
            "description": "First time allowed.",
            "examples": ["08:00"],
        },
        "max": {
            "type": "string",
            "pattern": f"^{_PATTERN}$",
            "description": "Last time allowed.",
            "examples": ["20:00"],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_limits(field, pointer, parse)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        read = within(field, parse, time.isoformat)
        return Codec(
            (Column(sa.Time()),),
            read,
            "time",
            to_json=time.isoformat,
            to_text=time.isoformat,
            from_text=lambda text: read(_padded(text.strip())),
            json_schema={"type": "string", "pattern": rf"^\s*$|^{_PATTERN}$", "examples": ["08:30:00"]},
        )


def parse(value: Any) -> time | None:
    """Read a time of day (ISO 8601 text, or a Python time without zone), None when the text is blank."""
    if isinstance(value, time):
        if value.tzinfo is not None:
            raise invalid("bad_format", value, _EXPECTED)
        return value
    if not isinstance(value, str):
        raise invalid("wrong_type", value, _EXPECTED)
    if not _TIME.match(value):
        if not value.strip():
            return None
        raise invalid("bad_format", value, _EXPECTED)
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise invalid("out_of_range", value, "a time from 00:00 to 23:59:59.999999") from None


def _padded(text: str) -> str:
    return f"0{text}" if text[1:2] == ":" else text
