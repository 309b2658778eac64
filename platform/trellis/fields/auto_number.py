"""Numbers given by the system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.options import integer_option
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_FORMAT = "{00000}"
MAX_FORMAT, MAX_ZEROS, MAX_LENGTH = 60, 15, 100
_TOKEN = re.compile(r"\{([^{}]*)\}")
_DATE_PARTS = {"YYYY": "{0.year:04d}", "YY": "{1:02d}", "MM": "{0.month:02d}", "DD": "{0.day:02d}"}


class AutoNumberField(FieldType):
    """A running number in a format, given when the record is created and never written by people."""

    name = "auto_number"
    label = {"en": "Auto number", "zh": "自动编号"}
    icon = "list-numbers"
    category = "text"
    widget = "readonly"
    computed = True
    options = {
        "format": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_FORMAT,
            "default": DEFAULT_FORMAT,
            "examples": ["D-{YYYY}-{00000}"],
            "description": "Text with one counter, {000…} (at least so many digits), and parts of the date: "
            "{YYYY}, {YY}, {MM}, {DD}.",
        },
        "start": integer_option("First number.", 0, 10**12, 1),
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        problem = format_problem(field.get("format", DEFAULT_FORMAT))
        if problem:
            yield Diagnostic(
                "bad_number_format", f"{pointer}/format", problem, "Write for instance 'D-{YYYY}-{00000}'."
            )

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        parse = reader(clean_line, MAX_LENGTH)
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            from_text=parse,
            search_text=str,
            json_schema={
                "type": "string",
                "maxLength": MAX_LENGTH,
                "readOnly": True,
                "examples": [render(field.get("format", DEFAULT_FORMAT), field.get("start", 1), date(2026, 11, 22))],
            },
        )


def format_problem(format: str) -> str | None:
    """Say what is wrong with a number format, None when nothing is."""
    tokens = _TOKEN.findall(format)
    unknown = [token for token in tokens if token not in _DATE_PARTS and not _is_counter(token)]
    if unknown:
        return f"Found {{{unknown[0]}}}, expected {{YYYY}}, {{YY}}, {{MM}}, {{DD}} or a counter such as {{00000}}."
    counters = sum(map(_is_counter, tokens))
    if counters != 1:
        return f"Found {counters} counters, expected exactly one, such as {{00000}}."
    if re.search("[{}]", _TOKEN.sub("", format)):
        return "Found a brace without its partner."
    if clean_line(format) != format:
        return "Found white space at an end, or a line break or tab."
    return None


def render(format: str, counter: int, day: date) -> str:
    """Return the number for ``counter`` on ``day``.

    A counter with more digits than the format has zeros is written in full.
    """

    def part(match: re.Match[str]) -> str:
        token: Any = match[1]
        return str(counter).zfill(len(token)) if _is_counter(token) else _DATE_PARTS[token].format(day, day.year % 100)

    return _TOKEN.sub(part, format)


def _is_counter(token: str) -> bool:
    return 1 <= len(token) <= MAX_ZEROS and set(token) == {"0"}
