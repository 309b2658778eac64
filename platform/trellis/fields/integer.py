"""Whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import is_blank
from trellis.fields.common.numbers import INT64_MAX, INT64_MIN, read_integer, ungroup
from trellis.fields.common.options import check_order
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


class IntegerField(FieldType):
    """A whole number of 64 bits."""

    name = "integer"
    label = {"en": "Integer", "zh": "整数"}
    icon = "hash"
    category = "number"
    widget = "number"
    options = {
        "min": {
            "type": "integer",
            "minimum": INT64_MIN,
            "maximum": INT64_MAX,
            "description": "Smallest value allowed.",
            "examples": [0],
        },
        "max": {
            "type": "integer",
            "minimum": INT64_MIN,
            "maximum": INT64_MAX,
            "description": "Largest value allowed.",
            "examples": [100],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_order(pointer, field.get("min"), field.get("max"))

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        low, high = int(field.get("min", INT64_MIN)), int(field.get("max", INT64_MAX))

        def parse(value: Any) -> int | None:
            return None if is_blank(value) else read_integer(value, low, high)

        return Codec(
            (Column(sa.BigInteger()),),
            parse,
            "number",
            from_text=lambda text: parse(ungroup(text)),
            to_text=str,
            json_schema={
                "type": ["integer", "string"],
                "minimum": low,
                "maximum": high,
                "pattern": r"^\s*$|^[+-]?[0-9]{1,40}$",
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "number", "currency", "percent", "rating"})
