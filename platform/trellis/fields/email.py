"""Mail addresses."""

from __future__ import annotations

import re
from typing import Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column

_EXPECTED = "a mail address such as name@example.com"
# RFC 5321 and 6531 without quoted local parts and address literals, which no business address uses.
_LOCAL = re.compile(r"[^\s\x00-\x20\"(),:;<>@\[\\\]\x7f.]+(?:\.[^\s\x00-\x20\"(),:;<>@\[\\\]\x7f.]+)*\Z")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)\Z")
_MAX_LENGTH, _MAX_LOCAL = 254, 64


class EmailField(FieldType):
    """One mail address.

    The domain is written in lower case; the part before @ is kept, because its host may tell cases apart.
    """

    name = "email"
    label = {"en": "Email", "zh": "邮箱"}
    icon = "mail"
    category = "text"
    widget = "email"

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            from_text=parse,
            search_text=str,
            json_schema={
                "type": "string",
                "maxLength": _MAX_LENGTH,
                "pattern": r"^\s*$|^\s*[^@\s]+@[^@\s]+\s*$",
                "examples": ["wang.li@example.com"],
            },
        )


_read = reader(clean_line, _MAX_LENGTH)


def parse(value: Any) -> str | None:
    """Read one mail address, None when it is blank."""
    text = _read(value)
    if text is None:
        return None
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    if len(local) > _MAX_LOCAL or not _LOCAL.match(local) or len(labels) < 2:
        raise invalid("bad_format", text, _EXPECTED)
    if not all(_LABEL.match(label) and "_" not in label for label in labels) or labels[-1].isdigit():
        raise invalid("bad_format", text, _EXPECTED)
    return f"{local}@{domain.lower()}"
