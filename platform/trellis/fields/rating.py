"""Ratings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import is_blank
from trellis.fields.common.numbers import read_integer
from trellis.fields.common.options import integer_option

DEFAULT_MAX = 5


class RatingField(FieldType):
    """A number of stars, from 1 to ``max``. No star is null."""

    name = "rating"
    label = {"en": "Rating", "zh": "评分"}
    icon = "star"
    category = "number"
    widget = "rating"
    unique_allowed = False
    options = {"max": integer_option("Number of stars.", 2, 10, DEFAULT_MAX)}

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        high = field.get("max", DEFAULT_MAX)

        def parse(value: Any) -> int | None:
            return None if is_blank(value) else read_integer(value, 1, high)

        return Codec(
            (Column(sa.Integer()),),
            parse,
            "number",
            from_text=lambda text: parse(text.strip()),
            to_text=str,
            json_schema={
                "type": ["integer", "string"],
                "minimum": 1,
                "maximum": high,
                "pattern": r"^\s*$|^[+-]?[0-9]{1,40}$",
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "number"})
