"""Text of several lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import clean_lines, reader
from trellis.fields.common.options import check_indexable, integer_option
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_LENGTH, MAX_LENGTH = 32_000, 1_000_000


class LongTextField(FieldType):
    """Plain text with line breaks (LF). White space inside lines is kept."""

    name = "long_text"
    label = {"en": "Long text", "zh": "长文本"}
    icon = "align-left"
    category = "text"
    widget = "textarea"
    unique_allowed = False
    options = {"max_length": integer_option("Largest number of characters.", 1, MAX_LENGTH, DEFAULT_LENGTH)}

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_indexable(field, pointer, field.get("max_length", DEFAULT_LENGTH))

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        high = field.get("max_length", DEFAULT_LENGTH)
        parse = reader(clean_lines, high)
        return Codec(
            (Column(text_column()),),
            parse,
            "text",
            from_text=parse,
            search_text=str,
            json_schema={"type": "string", "maxLength": high},
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "rich_text"})
