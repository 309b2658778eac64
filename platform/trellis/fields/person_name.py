"""Names of people."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, Part
from trellis.fields.common.characters import clean_line, is_blank, reader
from trellis.fields.common.compound import json_object, object_schema, readable_or_json
from trellis.fields.common.parts import part_reader
from trellis.fields.common.problems import invalid, require_object
from trellis.storage.types import text_column

_PARTS = {"salutation": 40, "first": 80, "middle": 80, "last": 80, "suffix": 40}
_EXPECTED = "an object of salutation, first, middle, last and suffix"
_HAN = re.compile("[㐀-䶿一-鿿豈-﫿〇·\U00020000-\U0003ffff]+\\Z")
_COMPOUND_SURNAMES = frozenset(
    [
        "欧阳",
        "太史",
        "端木",
        "上官",
        "司马",
        "东方",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "夏侯",
        "诸葛",
        "尉迟",
        "公羊",
        "赫连",
        "澹台",
        "皇甫",
        "宗政",
        "濮阳",
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "令狐",
        "轩辕",
        "呼延",
        "完颜",
        "百里",
        "东郭",
        "南门",
        "西门",
        "歐陽",
        "司馬",
        "東方",
        "諸葛",
        "尉遲",
        "軒轅",
    ]
)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in its parts; parts that are not known are None."""

    salutation: str | None = None
    first: str | None = None
    middle: str | None = None
    last: str | None = None
    suffix: str | None = None

    @property
    def is_han(self) -> bool:
        """True when family and given name are written in Chinese characters: family name first, no space between."""
        given = [part for part in (self.first, self.middle, self.last) if part]
        return bool(given) and all(_HAN.match(part) for part in given)

    @property
    def full(self) -> str:
        """The name as it is shown and sorted, without salutation."""
        if self.is_han:
            name = "".join(filter(None, (self.last, self.middle, self.first)))
            return " ".join(filter(None, (name, self.suffix)))
        return " ".join(filter(None, (self.first, self.middle, self.last, self.suffix)))

    @property
    def formal(self) -> str:
        """The name with its salutation; a Chinese one stands behind a Chinese name, without space."""
        if self.salutation and self.is_han and _HAN.match(self.salutation):
            return self.full + self.salutation
        return " ".join(filter(None, (self.salutation, self.full)))


class PersonNameField(FieldType):
    """The name of a person. The main column holds the full name (``Anna Smith``, ``陈思远``), to search and sort."""

    name = "person_name"
    label = {"en": "Person name", "zh": "姓名"}
    icon = "id"
    category = "text"
    widget = "person_name"
    parts = dict.fromkeys(_PARTS, "text")
    unique_allowed = False

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
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
            to_text=readable_or_json(_full, from_text, to_json),
            compare=_full,
            search_text=_full,
            parts=parts,
            json_schema=schema,
        )


def _part_reader(name: str) -> Callable[[Any], str | None]:
    return part_reader(name, reader(clean_line, _PARTS[name]))


_READERS = {name: _part_reader(name) for name in _PARTS}


def parse(value: Any) -> PersonName | None:
    """Read the parts of a name, None when all are blank. One of first and last must be given."""
    if is_blank(value):
        return None
    given = to_json(value) if isinstance(value, PersonName) else require_object(value, _PARTS, _EXPECTED)
    found = PersonName(**{name: read(given.get(name)) for name, read in _READERS.items()})
    if not any(astuple(found)):
        return None
    if not (found.first or found.last):
        raise invalid("missing_part", value, "a first or a last name", part="last")
    return found


def from_text(text: str) -> PersonName | None:
    """Read a name as files write it: JSON, a Chinese name, ``Last, First``, or ``First Middle Last``."""
    found = json_object(text, _EXPECTED)
    if found is not None:
        return parse(found)
    line = clean_line(text)
    if line is None:
        return None
    if _HAN.match(line) and "·" not in line:
        cut = 2 if line[:2] in _COMPOUND_SURNAMES and len(line) > 2 else 1
        return parse({"last": line[:cut], "first": line[cut:]})
    if line.count(",") == 1:
        last, first = line.split(",")
        return parse({"last": last, "first": first})
    words = line.split(" ")
    return parse(
        {"first": words[0], "middle": " ".join(words[1:-1]), "last": words[-1]} if len(words) > 1 else {"last": line}
    )


def to_json(value: PersonName) -> dict[str, str | None]:
    """Return all parts, null where not known."""
    return {
        "salutation": value.salutation,
        "first": value.first,
        "middle": value.middle,
        "last": value.last,
        "suffix": value.suffix,
    }


def _full(value: PersonName) -> str:
    return value.full


def _to_columns(value: PersonName) -> tuple[Any, ...]:
    return (value.full, *astuple(value))


def _from_columns(row: tuple[Any, ...]) -> PersonName | None:
    return None if row[0] is None else PersonName(*row[1:])
