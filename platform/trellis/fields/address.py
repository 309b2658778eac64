"""Postal addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, Part
from trellis.fields.common.characters import clean_line, clean_lines, is_blank, reader
from trellis.fields.common.compound import json_object, object_schema, readable_or_json
from trellis.fields.common.countries import COUNTRIES
from trellis.fields.common.parts import part_reader
from trellis.fields.common.problems import invalid, require_object
from trellis.storage.types import text_column

_PARTS = {"street": 255, "city": 120, "state": 120, "postal_code": 20, "country": 2}
_EXPECTED = "an object of street, city, state, postal_code and country"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; parts that are not known are None. ``country`` is an ISO 3166 alpha-2 code."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None

    @property
    def line(self) -> str:
        """The address in one line: from large to small where that is the custom (East Asia), else the reverse."""
        street = self.street.replace("\n", ", ") if self.street else None
        if self.country in _LARGE_FIRST and any(ord(c) > 0x2E7F for c in f"{self.state}{self.city}{street}"):
            return " ".join(
                filter(None, (self.postal_code, "".join(filter(None, (self.state, self.city, street))), self.country))
            )
        town = " ".join(filter(None, (self.city, self.state, self.postal_code)))
        return ", ".join(filter(None, (street, town, self.country)))


_LARGE_FIRST = frozenset({"CN", "TW", "HK", "MO", "JP", "KR", "SG"})


class AddressField(FieldType):
    """An address of five parts. The main column holds it in one line, for search and sorting.

    A country that is not given is the field's ``country``, else the organisation's, as long as another part is given.
    """

    name = "address"
    label = {"en": "Address", "zh": "地址"}
    icon = "map-pin"
    category = "text"
    widget = "address"
    parts = dict.fromkeys(_PARTS, "text")
    unique_allowed = False
    options = {
        "country": {
            "enum": sorted(COUNTRIES),
            "description": "Country (ISO 3166) of addresses that name none.",
            "examples": ["CN"],
        }
    }

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        parse = _reader(field.get("country") or env.default_country)
        from_text = _text_reader(parse)
        columns = (Column(text_column()), *(Column(text_column(), name) for name in _PARTS))
        parts = {name: Part(name, "text", None, _part_reader(name)) for name in _PARTS}
        schema = object_schema({name: {"type": "string", "maxLength": length} for name, length in _PARTS.items()})
        return Codec(
            columns,
            parse,
            "text",
            to_json=to_json,
            to_columns=_to_columns,
            from_columns=_from_columns,
            from_text=from_text,
            to_text=readable_or_json(_line, from_text, to_json),
            compare=_line,
            search_text=_line,
            parts=parts,
            json_schema=schema,
        )


def _part_reader(name: str) -> Callable[[Any], str | None]:
    read = part_reader(name, reader(clean_lines if name == "street" else clean_line, _PARTS[name]))
    return _country_reader(read) if name == "country" else read


def _country_reader(read: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    def parse(value: Any) -> str | None:
        text = read(value)
        if text is None:
            return None
        if text.upper() not in COUNTRIES:
            raise invalid("unknown_option", value, "an ISO 3166 code of two letters, such as CN", part="country")
        return text.upper()

    return parse


def _reader(country: str) -> Callable[[Any], Address | None]:
    readers = {name: _part_reader(name) for name in _PARTS}

    def parse(value: Any) -> Address | None:
        if is_blank(value):
            return None
        given = to_json(value) if isinstance(value, Address) else require_object(value, _PARTS, _EXPECTED)
        found = Address(**{name: read(given.get(name)) for name, read in readers.items()})
        if not any(astuple(found)):
            return None
        return found if found.country else Address(found.street, found.city, found.state, found.postal_code, country)

    return parse


def _text_reader(parse: Callable[[Any], Address | None]) -> Callable[[str], Address | None]:
    def read(text: str) -> Address | None:
        found = json_object(text, _EXPECTED)
        return parse({"street": text} if found is None else found)

    return read


def to_json(value: Address) -> dict[str, str | None]:
    """Return all parts, null where not known."""
    return {
        "street": value.street,
        "city": value.city,
        "state": value.state,
        "postal_code": value.postal_code,
        "country": value.country,
    }


def _line(value: Address) -> str:
    return value.line


def _to_columns(value: Address) -> tuple[Any, ...]:
    return value.line, value.street, value.city, value.state, value.postal_code, value.country


def _from_columns(row: tuple[Any, ...]) -> Address | None:
    return None if row[0] is None else Address(*row[1:])
