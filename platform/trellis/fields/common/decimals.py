"""What fields of one exact decimal have in common."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trellis.fields.base import Codec, Column, FieldDoc
from trellis.fields.common.characters import is_blank
from trellis.fields.common.numbers import MAX_PRECISION, decimal_reader, decimal_schema, plain, ungroup
from trellis.storage.types import ScaledDecimal

DEFAULT_SCALE = 2


def digits(field: FieldDoc) -> tuple[int, int]:
    """Return precision and scale of a decimal field."""
    return field.get("precision", MAX_PRECISION), field.get("scale", DEFAULT_SCALE)


def decimal_codec(
    field: FieldDoc, *, expected: str = "a number", bare: Callable[[str], str] = lambda text: text
) -> Codec:
    """Return the codec of a field of one decimal. ``bare`` takes from a text of a file what is no part of the number."""
    precision, scale = digits(field)
    read = decimal_reader(field, precision=precision, scale=scale, expected=expected)

    def parse(value: Any) -> Decimal | None:
        return None if is_blank(value) else read(value)

    return Codec(
        (Column(ScaledDecimal(precision, scale)),),
        parse,
        "number",
        to_json=plain,
        to_text=plain,
        from_text=lambda text: parse(ungroup(bare(text))),
        json_schema=decimal_schema(field, plain(Decimal(12).scaleb(-scale))),
    )
