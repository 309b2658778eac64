"""Percentages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.decimals import DEFAULT_SCALE, decimal_codec, digits
from trellis.fields.common.options import check_decimal, decimal_options
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


class PercentField(FieldType):
    """A percentage in percent units: 10 is 10 %. Inside formulas it is a share (0.1). Files may write the sign."""

    name = "percent"
    label = {"en": "Percent", "zh": "百分比"}
    icon = "percentage"
    category = "number"
    widget = "percent"
    options = decimal_options(DEFAULT_SCALE)

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        precision, scale = digits(field)
        yield from check_decimal(field, pointer, precision=precision, scale=scale)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return decimal_codec(field, expected="a percentage such as 12.5", bare=_without_sign)

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "number", "rating"})


def _without_sign(text: str) -> str:
    return text.strip().removesuffix("%").removesuffix("％")
