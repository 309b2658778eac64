"""Exact numbers: read without rounding, bounded before they are built, written with a fixed number of decimals.

A float is read through its shortest decimal form (``repr``), which is what its writer typed. True and False are not
numbers; NaN and the infinities are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from trellis.fields.base import FieldDoc
from trellis.fields.common.problems import invalid

MAX_PRECISION = 18
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DECIMAL_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_DECIMAL = re.compile(DECIMAL_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}\Z", re.ASCII)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?\Z", re.ASCII)
_LONGEST = 60
_WIDE = Context(prec=100)
_ZERO = Decimal(0)


def read_decimal(value: object, expected: str = "a number") -> Decimal:
    """Return the exact decimal that ``value`` (number, text of digits, Decimal) stands for, of whatever size."""
    if isinstance(value, bool):
        raise invalid("wrong_type", value, expected)
    if isinstance(value, int):
        if value.bit_length() > 128:
            raise invalid("out_of_range", value, f"{expected} of at most {MAX_PRECISION} digits")
        return Decimal(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise invalid("bad_format", value, expected)
        return Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise invalid("bad_format", value, expected)
        return value
    if isinstance(value, str):
        if len(value) > _LONGEST or not _DECIMAL.match(value):
            raise invalid("bad_format", value, expected)
        return Decimal(value)
    raise invalid("wrong_type", value, expected)


def fit(number: Decimal, precision: int, scale: int, found: object = None) -> Decimal:
    """Return ``number`` with exactly ``scale`` decimals; refuse it when digits would be lost or are too many."""
    shown = number if found is None else found
    if number.is_zero():
        return _ZERO.scaleb(-scale)
    if number.adjusted() >= precision - scale:
        raise invalid("out_of_range", shown, f"at most {precision - scale} digits before the decimal point")
    exact = number.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    if exact != number:
        raise invalid("too_many_decimals", shown, f"at most {scale} decimals")
    return exact


def read_integer(value: object, low: int = INT64_MIN, high: int = INT64_MAX, expected: str = "a whole number") -> int:
    """Return the whole number that ``value`` (number, text of digits, Decimal) stands for, from ``low`` to ``high``."""
    number = _whole(value, expected)
    if not low <= number <= high:
        raise invalid("out_of_range", value, f"{expected} from {low} to {high}")
    return number


def _whole(value: object, expected: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise invalid("bad_format", value, expected)
        if not value.is_integer():
            raise invalid("too_many_decimals", value, expected)
        if abs(value) > 2**53:
            raise invalid("out_of_range", value, f"{expected} written without exponent (a float is not exact here)")
        return int(value)
    if isinstance(value, Decimal):
        number = fit(value, 19, 0) if value.is_finite() else None
        if number is None:
            raise invalid("bad_format", value, expected)
        return int(number)
    if isinstance(value, str):
        if not _INTEGER.match(value):
            raise invalid("bad_format", value, expected)
        return int(value)
    raise invalid("wrong_type", value, expected)


def plain(number: Decimal) -> str:
    """Return ``number`` in digits without exponent, with the decimals that it has."""
    return format(number, "f")


def ungroup(text: str) -> str:
    """Return a number as people write it in files (``1,234.50``) without white space and separators of thousands."""
    text = text.strip()
    return text.replace(",", "") if _GROUPED.match(text) else text


def limit(field: FieldDoc, key: str) -> Decimal | None:
    """Return the option ``min`` or ``max`` as a decimal, None when it is not set."""
    return None if field.get(key) is None else read_decimal(field[key])


def bounded(read: Callable[[Any], Decimal], low: Decimal | None, high: Decimal | None) -> Callable[[Any], Decimal]:
    """Return ``read`` with the limits ``low`` and ``high``, both inclusive."""
    if low is None and high is None:
        return read

    def check(value: Any) -> Decimal:
        number = read(value)
        if low is not None and number < low:
            raise invalid("out_of_range", value, f"at least {plain(low)}")
        if high is not None and number > high:
            raise invalid("out_of_range", value, f"at most {plain(high)}")
        return number

    return check


def decimal_reader(
    field: FieldDoc, *, precision: int, scale: int, expected: str = "a number"
) -> Callable[[Any], Decimal]:
    """Return the reader of exact decimals of ``precision`` and ``scale`` within the field's ``min`` and ``max``."""

    def read(value: Any) -> Decimal:
        return fit(read_decimal(value, expected), precision, scale, value)

    return bounded(read, limit(field, "min"), limit(field, "max"))


def json_number(number: Decimal) -> int | float:
    """Return a limit for a JSON Schema, where numbers are numbers."""
    return int(number) if number == number.to_integral_value() else float(number)


def decimal_schema(field: FieldDoc, example: str) -> dict[str, Any]:
    """Return the JSON Schema of a decimal: written as a text, read as a text or a number."""
    schema: dict[str, Any] = {
        "type": ["string", "number"],
        "pattern": r"^\s*$|" + DECIMAL_PATTERN,
        "examples": [example],
    }
    for key, name in (("min", "minimum"), ("max", "maximum")):
        value = limit(field, key)
        if value is not None:
            schema[name] = json_number(value)
    return schema
