"""Lengths of time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.options import check_limits
from trellis.fields.common.problems import invalid
from trellis.fields.common.ranges import within
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

MAX_SECONDS = 1_000_000 * 86_400
_EXPECTED = "an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as P1DT2H30M"
_NUMBER = "([0-9]{1,15})"
PATTERN = r"P(?=[0-9T])([0-9]{1,15}W)?([0-9]{1,15}D)?(T(?=[0-9])([0-9]{1,15}H)?([0-9]{1,15}M)?([0-9]{1,15}S)?)?"
_DURATION = re.compile(
    rf"P(?=[0-9T])(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?\Z",
    re.ASCII,
)
_CLOCK = re.compile(r"([0-9]{1,9}):([0-5][0-9])(?::([0-5][0-9]))?\Z", re.ASCII)
_UNITS = (604_800, 86_400, 3_600, 60, 1)


class DurationField(FieldType):
    """A length of time in whole seconds, not negative.

    A day is 24 hours; months and years have no fixed length and are refused.
    """

    name = "duration"
    label = {"en": "Duration", "zh": "时长"}
    icon = "hourglass"
    category = "number"
    widget = "duration"
    options = {
        "min": {
            "type": "string",
            "pattern": f"^{PATTERN}$",
            "description": "Shortest duration allowed.",
            "examples": ["PT15M"],
        },
        "max": {
            "type": "string",
            "pattern": f"^{PATTERN}$",
            "description": "Longest duration allowed.",
            "examples": ["P7D"],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_limits(field, pointer, parse)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return Codec(
            (Column(sa.BigInteger()),),
            within(field, parse, to_json),
            "number",
            to_json=to_json,
            to_text=to_json,
            from_text=within(field, from_text, to_json, limits=parse),
            json_schema={"type": "string", "pattern": rf"^\s*$|^{PATTERN}$", "examples": ["P1DT2H30M"]},
        )


def parse(value: Any) -> int | None:
    """Read an ISO 8601 duration (or a timedelta of whole seconds) and return seconds, None when the text is blank."""
    if isinstance(value, timedelta):
        if value.microseconds or value.days < 0:
            raise invalid("bad_format", value, "whole seconds, not less than none")
        return _bounded(value.days * 86_400 + value.seconds, value)
    if not isinstance(value, str):
        raise invalid("wrong_type", value, _EXPECTED)
    match = _DURATION.match(value)
    if not match:
        if not value.strip():
            return None
        raise invalid("bad_format", value, _EXPECTED)
    seconds = sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS, strict=True) if count)
    return _bounded(seconds, value)


def _bounded(seconds: int, found: object) -> int:
    if seconds > MAX_SECONDS:
        raise invalid("out_of_range", found, f"at most {to_json(MAX_SECONDS)}")
    return seconds


def from_text(text: str) -> int | None:
    """Read a duration as files write it: ISO 8601, or hours and minutes as ``26:30`` or ``26:30:15``."""
    match = _CLOCK.match(text.strip())
    return parse(f"PT{match[1]}H{match[2]}M{match[3] or 0}S" if match else text.strip().upper())


def to_json(seconds: int) -> str:
    """Return the canonical form: days, hours, minutes and seconds without zero parts; ``PT0S`` for none."""
    days, rest = divmod(seconds, 86_400)
    clock = [(rest // 3_600, "H"), (rest // 60 % 60, "M"), (rest % 60, "S")]
    time = "".join(f"{count}{unit}" for count, unit in clock if count)
    return f"P{days}D" * (days > 0) + f"{'' if days else 'P'}T{time}" * bool(time) or "PT0S"
