"""Calendar days."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.options import check_limits
from trellis.fields.common.problems import invalid
from trellis.fields.common.ranges import within
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

_EXPECTED = "a date such as 2026-11-22"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
# Year first only: 03/04/2026 has two readings. A time of midnight is what spreadsheets add.
_FILE = re.compile(r"(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?(?:[ T]00:00(?::00(?:\.0+)?)?)?\Z", re.ASCII)


class DateField(FieldType):
    """A day without time and zone, from year 1 to 9999."""

    name = "date"
    label = {"en": "Date", "zh": "日期"}
    icon = "calendar"
    category = "date"
    widget = "date"
    options = {
        "min": {"type": "string", "format": "date", "description": "First day allowed.", "examples": ["2000-01-01"]},
        "max": {"type": "string", "format": "date", "description": "Last day allowed.", "examples": ["2099-12-31"]},
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_limits(field, pointer, parse)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return Codec(
            (Column(sa.Date()),),
            within(field, parse, date.isoformat),
            "date",
            to_json=date.isoformat,
            to_text=date.isoformat,
            from_text=within(field, from_text, date.isoformat, limits=parse),
            json_schema={
                "type": "string",
                "pattern": r"^\s*$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                "examples": ["2026-11-22"],
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text"})


def parse(value: Any) -> date | None:
    """Read a day in ISO 8601 form (or a Python date), None when the text is blank."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise invalid("wrong_type", value, _EXPECTED)
    if not _ISO.match(value):
        if not value.strip():
            return None
        raise invalid("bad_format", value, _EXPECTED)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise invalid("out_of_range", value, "a day that the calendar has") from None


def from_text(text: str) -> date | None:
    """Read a day as files write it: year, month, day, with hyphens, slashes, dots or 年月日."""
    match = _FILE.match(text.strip())
    return parse(f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}") if match else parse(text.strip())
