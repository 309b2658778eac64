"""Free tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.columns import JoinedText, joined
from trellis.fields.common.options import integer_option
from trellis.fields.common.problems import invalid

MAX_TAGS, MAX_LENGTH = 50, 60
_SEPARATOR = re.compile("[;；\n]")
_MAX_GIVEN = 1000


class TagsField(FieldType):
    """Words that people choose freely: a set without regard to case, in order of letters, stored as ``;a;b;``."""

    name = "tags"
    label = {"en": "Tags", "zh": "标签"}
    icon = "tags"
    category = "choices"
    widget = "tags"
    unique_allowed = False
    options = {"max_tags": integer_option("Largest number of tags.", 1, MAX_TAGS, MAX_TAGS)}

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        limit = field.get("max_tags", MAX_TAGS)
        parse = _reader(limit)
        return Codec(
            (Column(JoinedText()),),
            parse,
            "choices",
            to_json=list,
            to_text=";".join,
            compare=joined,
            from_text=lambda text: parse(_SEPARATOR.split(text)),
            search_text=" ".join,
            json_schema={
                "type": ["array", "string"],
                "pattern": r"^\s*$",
                "items": {"type": "string", "pattern": "^[^;]*$"},
                "maxItems": _MAX_GIVEN,
                "examples": [["VIP", "展会"]],
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "multi_picklist"})


def _reader(limit: int) -> Callable[[Any], tuple[str, ...] | None]:
    read = reader(clean_line, MAX_LENGTH)

    def parse(value: Any) -> tuple[str, ...] | None:
        if isinstance(value, str) and not value.strip():
            return None
        if not isinstance(value, list | tuple):
            raise invalid("wrong_type", value, "a list of tags")
        if len(value) > _MAX_GIVEN:
            raise invalid("too_long", value, f"at most {limit} tags")
        found: dict[str, str] = {}
        for item in value:
            tag = read(item)
            if tag is not None:
                if ";" in tag:
                    raise invalid("bad_characters", tag, "a tag without ';'")
                found.setdefault(tag.casefold(), tag)
        if len(found) > limit:
            raise invalid("too_long", value, f"at most {limit} tags")
        return tuple(tag for _, tag in sorted(found.items())) or None

    return parse
