"""Telephone numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import phonenumbers as numbers

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

_MAX_LENGTH = 100
_EXTENSION = ";ext="


class PhoneField(FieldType):
    """A telephone number, stored as E.164 (``+8613812345678``), an extension behind it as ``;ext=801`` (RFC 3966).

    A number without country code is read as one of ``country``, else of the organisation's country. Accepted is what
    has a possible length; ``strict`` also asks for a prefix that is in use, which goes out of date as numbering plans
    change.
    """

    name = "phone"
    label = {"en": "Phone", "zh": "电话"}
    icon = "phone"
    category = "text"
    widget = "phone"
    options = {
        "country": {
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "Country (ISO 3166) of numbers without country code.",
            "examples": ["CN"],
        },
        "display": {
            "enum": ["international", "national"],
            "default": "international",
            "examples": ["national"],
            "description": "How numbers are written for people and in files; national: those of the field's country.",
        },
        "strict": {
            "type": "boolean",
            "default": False,
            "description": "Refuse numbers whose prefix is not in use.",
            "examples": [True],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        if "country" in field and field["country"] not in numbers.SUPPORTED_REGIONS:
            yield Diagnostic(
                "unknown_country",
                f"{pointer}/country",
                f"No numbering plan is known for country '{field['country']}'.",
                "Use an ISO 3166 code of two capital letters, such as CN.",
            )

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        country = field.get("country") or env.default_country
        parse = _reader(country, bool(field.get("strict")))
        display = _writer(country, field.get("display", "international"))
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            to_text=display,
            from_text=parse,
            search_text=_search_text,
            json_schema={"type": "string", "maxLength": _MAX_LENGTH, "examples": ["+8613812345678"]},
        )


def _reader(country: str, strict: bool) -> Callable[[Any], str | None]:
    line = reader(clean_line, _MAX_LENGTH)
    expected = f"a telephone number with country code, or one of {country}"
    accepts = numbers.is_valid_number if strict else numbers.is_possible_number

    def parse(value: Any) -> str | None:
        text = line(value)
        if text is None:
            return None
        try:
            found = numbers.parse(text, country)
        except numbers.NumberParseException:
            raise invalid("bad_format", text, expected) from None
        if not accepts(found):
            raise invalid("out_of_range", text, f"{expected}, with as many digits as such numbers have")
        return numbers.format_number(found, numbers.PhoneNumberFormat.E164) + (
            _EXTENSION + found.extension if found.extension else ""
        )

    return parse


def _writer(country: str, display: str) -> Callable[[str], str]:
    def write(value: str) -> str:
        number = numbers.parse(value)
        home = display == "national" and numbers.region_code_for_country_code(number.country_code or 0) == country
        return numbers.format_number(
            number, numbers.PhoneNumberFormat.NATIONAL if home else numbers.PhoneNumberFormat.INTERNATIONAL
        )

    return write


def _search_text(value: str) -> str:
    """Return the number as stored and in its national digits, because people type either."""
    number = numbers.parse(value)
    return f"{value} {numbers.national_significant_number(number)}"
