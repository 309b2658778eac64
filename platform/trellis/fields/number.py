"""Exact decimal numbers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.characters import is_blank
from trellis.fields.common.numbers import MAX_PRECISION, decimal_reader, decimal_schema, plain, ungroup
from trellis.fields.common.options import check_decimal, decimal_options
from trellis.storage.types import ScaledDecimal
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_SCALE = 2


class NumberField(FieldType):
    """A decimal of at most 18 digits, ``scale`` of them after the point.

    Written as a text, so that no reader loses digits.
    """

    name = "number"
    label = {"en": "Number", "zh": "数字"}
    icon = "decimal"
    category = "number"
    widget = "number"
    options = decimal_options(DEFAULT_SCALE)

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        precision, scale = digits(field)
        yield from check_decimal(field, pointer, precision=precision, scale=scale)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        precision, scale = digits(field)
        read = decimal_reader(field, precision=precision, scale=scale)

        def parse(value: Any) -> Decimal | None:
            return None if is_blank(value) else read(value)

        return Codec(
            (Column(ScaledDecimal(precision, scale)),),
            parse,
            "number",
            to_json=plain,
            to_text=plain,
            from_text=lambda text: parse(ungroup(text)),
            json_schema=decimal_schema(field, plain(Decimal(12).scaleb(-scale))),
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "currency", "percent", "rating"})


def digits(field: FieldDoc) -> tuple[int, int]:
    """Return precision and scale of a decimal field."""
    return field.get("precision", MAX_PRECISION), field.get("scale", DEFAULT_SCALE)
