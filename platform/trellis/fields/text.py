"""Text of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import re2  # type: ignore[import-untyped]

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, InvalidValue
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.options import check_indexable, integer_option
from trellis.fields.common.problems import show
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_LENGTH, MAX_LENGTH = 255, 4000


class TextField(FieldType):
    """One line of text. ``pattern`` is RE2 (linear time, no look-around) and must match the whole text."""

    name = "text"
    label = {"en": "Text", "zh": "文本"}
    icon = "cursor-text"
    category = "text"
    widget = "text"
    options = {
        "max_length": integer_option("Largest number of characters.", 1, MAX_LENGTH, DEFAULT_LENGTH),
        "min_length": integer_option(
            "Smallest number of characters of a value that is not blank.", 1, MAX_LENGTH, example=2
        ),
        "pattern": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "examples": ["[A-Z]{2}[0-9]{6}"],
            "description": "Regular expression (RE2) that the whole text must match.",
        },
        "pattern_message": {
            "type": ["string", "object"],
            "examples": [{"en": "Two letters and six digits", "zh": "两个字母加六位数字"}],
            "description": "What to tell people when the pattern does not match.",
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        high = field.get("max_length", DEFAULT_LENGTH)
        yield from check_indexable(field, pointer, high)
        if field.get("min_length", 0) > high:
            yield Diagnostic(
                "bad_limit",
                f"{pointer}/min_length",
                f"'min_length' {field['min_length']} is larger than 'max_length' {high}.",
                "Lower 'min_length' or raise 'max_length'.",
            )
        if "pattern" in field:
            try:
                compile_pattern(field["pattern"])
            except re2.error as problem:
                yield Diagnostic(
                    "bad_pattern",
                    f"{pointer}/pattern",
                    f"The pattern is not a regular expression that RE2 reads: {_reason(problem)}.",
                    "Correct the pattern. Look-around and back references are not supported.",
                )
        elif "pattern_message" in field:
            yield Diagnostic(
                "unused_option",
                f"{pointer}/pattern_message",
                "'pattern_message' stands without 'pattern'.",
                "Add 'pattern' or remove 'pattern_message'.",
            )

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        high, low = field.get("max_length", DEFAULT_LENGTH), field.get("min_length", 0)
        parse = with_pattern(reader(clean_line, high, low), field)
        schema: dict[str, Any] = {"type": "string", "maxLength": high}
        if "pattern" in field:
            schema["pattern"] = rf"^\s*$|^\s*(?:{field['pattern']})\s*$"
        # The column has no length: limits are the codec's, so that changing them changes no table.
        return Codec((Column(text_column()),), parse, "text", from_text=parse, search_text=str, json_schema=schema)

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset(
            {
                "long_text",
                "rich_text",
                "email",
                "phone",
                "url",
                "integer",
                "number",
                "currency",
                "percent",
                "boolean",
                "date",
                "datetime",
                "time",
                "duration",
                "picklist",
                "multi_picklist",
                "tags",
                "stage",
                "person_name",
                "address",
                "geolocation",
                "lookup",
                "user",
                "rating",
            }
        )


def compile_pattern(pattern: str) -> Any:
    """Compile a pattern with RE2, quietly; raises ``re2.error``."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def with_pattern(read: Callable[[Any], str | None], field: FieldDoc) -> Callable[[Any], str | None]:
    """Return ``read`` followed by the field's pattern, if it has one."""
    if "pattern" not in field:
        return read
    match = compile_pattern(field["pattern"]).fullmatch
    expected = text_of(field.get("pattern_message"), "en", f"a text that matches {field['pattern']}")

    def check(value: Any) -> str | None:
        text = read(value)
        if text is not None and match(text) is None:
            raise InvalidValue(
                "pattern",
                f"Found {show(text)}, expected: {expected}",
                found=show(text),
                expected=expected,
                pattern=field["pattern"],
                label=field.get("pattern_message"),
            )
        return text

    return check


def _reason(problem: Exception) -> str:
    reason = problem.args[0] if problem.args else problem
    return reason.decode() if isinstance(reason, bytes) else str(reason)
