"""Ids of stored files."""

from __future__ import annotations

import re
from typing import Any

from trellis.fields.base import Codec, Column
from trellis.fields.common.characters import clean_line
from trellis.fields.common.problems import invalid
from trellis.storage.types import text_column

PATTERN = "[A-Za-z0-9_-]{1,64}"
_ID = re.compile(rf"{PATTERN}\Z", re.ASCII)
_EXPECTED = "the id of a stored file: at most 64 letters, digits, '-' and '_'"


def file_codec() -> Codec:
    """Return the codec of a reference to a stored file. Whether the file exists is for the write path to ask."""
    return Codec(
        (Column(text_column()),),
        parse,
        "opaque",
        from_text=parse,
        json_schema={"type": "string", "pattern": rf"^\s*$|^\s*{PATTERN}\s*$", "examples": ["file_0h3k5"]},
    )


def parse(value: Any) -> str | None:
    """Read a file id, None when it is blank."""
    text = clean_line(value, _EXPECTED)
    if text is not None and not _ID.match(text):
        raise invalid("bad_reference", text, _EXPECTED)
    return text
