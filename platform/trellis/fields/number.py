"""Exact decimal numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.decimals import DEFAULT_SCALE, decimal_codec, digits
from trellis.fields.common.options import check_decimal, decimal_options
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot


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
        return decimal_codec(field)

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "integer", "currency", "percent", "rating"})
