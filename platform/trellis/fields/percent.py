"""Percentages."""

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


class PercentField(FieldType):
    """A percentage in percent units: 10 is 10 %. Inside formulas it is a share (0.1). Files may write the sign."""

    name = "percent"
    label = {"en": "Percent", "zh": "百分比"}
    icon = "percentage"
    category = "number"
    widget = "percent"
    options = decimal_options(DEFAULT_SCALE)

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        precision, scale = _digits(field)
        yield from check_decimal(field, pointer, precision=precision, scale=scale)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        precision, scale = _digits(field)
        read = decimal_reader(field, precision=precision, scale=scale, expected="a percentage such as 12.5")

        def parse(value: Any) -> Decimal | None:
            return None if is_blank(value) else read(value)

        def from_text(text: str) -> Decimal | None:
            return parse(ungroup(text.strip().removesuffix("%").removesuffix("％")))

        column = Column(ScaledDecimal(precision, scale))
        return Codec(
            (column,),
            parse,
            "number",
            to_json=plain,
            to_text=plain,
            from_text=from_text,
            json_schema=decimal_schema(field, plain(Decimal(12).scaleb(-scale))),
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "number", "rating"})


def _digits(field: FieldDoc) -> tuple[int, int]:
    return field.get("precision", MAX_PRECISION), field.get("scale", DEFAULT_SCALE)
