"""True or false."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line
from trellis.fields.common.problems import invalid

_WORDS = {
    "true": True,
    "yes": True,
    "y": True,
    "1": True,
    "on": True,
    "是": True,
    "对": True,
    "√": True,
    "false": False,
    "no": False,
    "n": False,
    "0": False,
    "off": False,
    "否": False,
    "错": False,
    "×": False,
}


class BooleanField(FieldType):
    """A check box. JSON takes true and false only; files also take yes and no, 1 and 0, 是 and 否."""

    name = "boolean"
    label = {"en": "Checkbox", "zh": "复选框"}
    icon = "checkbox"
    category = "boolean"
    widget = "checkbox"
    unique_allowed = False

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return Codec(
            (Column(sa.Boolean()),),
            parse,
            "boolean",
            from_text=from_text,
            to_text=to_text,
            json_schema={"type": "boolean"},
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "picklist"})


def parse(value: Any) -> bool:
    """Read true or false."""
    if value is True or value is False:
        return bool(value)
    raise invalid("wrong_type", value, "true or false")


def from_text(text: str) -> bool | None:
    """Read the words that files use, None when the text is blank."""
    word = clean_line(text)
    if word is None:
        return None
    found = _WORDS.get(word.casefold())
    if found is None:
        raise invalid("bad_format", text, "true or false (yes or no, 1 or 0, 是 or 否)")
    return found


def to_text(value: bool) -> str:
    """Return the word for files."""
    return "true" if value else "false"
