"""Options that several types have, and the checks that go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from trellis.fields.base import FieldDoc, InvalidValue
from trellis.fields.common.numbers import MAX_PRECISION, fit, limit
from trellis_metadata.diagnostics import Diagnostic, Severity

INDEXABLE_LENGTH = 600
"""A B-tree entry of PostgreSQL holds about 2,700 bytes, a character takes up to 4."""


def integer_option(
    description: str, low: int, high: int, default: int | None = None, example: int | None = None
) -> dict[str, Any]:
    """Return the schema of an option that is a whole number."""
    schema: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high, "description": description}
    if default is not None:
        schema["default"] = default
    schema["examples"] = [example if example is not None else default if default is not None else low]
    return schema


def bound_option(description: str, example: str) -> dict[str, Any]:
    """Return the schema of a smallest or largest number: a text of digits (exact) or a number."""
    return {
        "type": ["string", "number"],
        "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$",
        "description": description,
        "examples": [example],
    }


def decimal_options(scale: int) -> dict[str, Any]:
    """Return the options of an exact decimal."""
    return {
        "precision": integer_option(
            "Number of digits, before and after the decimal point together.", 1, MAX_PRECISION, MAX_PRECISION, 12
        ),
        "scale": integer_option("Number of decimals. A value with more decimals is refused.", 0, MAX_PRECISION, scale),
        "min": bound_option("Smallest value allowed.", "0"),
        "max": bound_option("Largest value allowed.", "1000000"),
    }


def check_decimal(field: FieldDoc, pointer: str, *, precision: int, scale: int) -> Iterable[Diagnostic]:
    """Yield what is wrong with precision, scale and limits of an exact decimal."""
    if scale > precision:
        yield Diagnostic(
            "bad_scale",
            f"{pointer}/scale",
            f"Scale {scale} is larger than precision {precision}.",
            f"Use a scale from 0 to {precision}, or raise the precision (at most {MAX_PRECISION}).",
        )
        return
    for key in ("min", "max"):
        try:
            number = limit(field, key)
            if number is not None:
                fit(number, precision, scale)
        except InvalidValue as problem:
            yield Diagnostic(
                "bad_limit",
                f"{pointer}/{key}",
                f"'{key}' is not a value of the field. {problem.message}",
                f"Write a number with at most {precision} digits, {scale} of them decimals.",
            )
            return
    yield from check_order(pointer, limit(field, "min"), limit(field, "max"))


def check_order(pointer: str, low: Any, high: Any) -> Iterable[Diagnostic]:
    """Yield a diagnostic when ``low`` lies above ``high``."""
    if low is not None and high is not None and low > high:
        shown = [format(x, "f") if isinstance(x, Decimal) else str(x) for x in (low, high)]
        yield Diagnostic(
            "bad_limit",
            f"{pointer}/min",
            f"'min' {shown[0]} is larger than 'max' {shown[1]}: no value is allowed.",
            "Lower 'min' or raise 'max'.",
        )


def check_limits(field: FieldDoc, pointer: str, parse: Callable[[Any], Any]) -> Iterable[Diagnostic]:
    """Yield what is wrong with ``min`` and ``max`` written as values of the field (dates, times, durations)."""
    found: dict[str, Any] = {}
    for key in ("min", "max"):
        if field.get(key) is None:
            continue
        try:
            found[key] = parse(field[key])
        except InvalidValue as problem:
            yield Diagnostic(
                "bad_limit",
                f"{pointer}/{key}",
                f"'{key}' is not a value of the field. {problem.message}",
                f"Write '{key}' as a value of the field is written.",
            )
    yield from check_order(pointer, found.get("min"), found.get("max"))


def check_indexable(field: FieldDoc, pointer: str, max_length: int) -> Iterable[Diagnostic]:
    """Yield a diagnostic when a text is too long for the index that ``unique`` or ``indexed`` asks for."""
    for key in ("unique", "indexed"):
        if field.get(key) and max_length > INDEXABLE_LENGTH:
            yield Diagnostic(
                "too_long_for_index",
                f"{pointer}/{key}",
                f"A text of up to {max_length} characters cannot be indexed; {INDEXABLE_LENGTH} can.",
                f"Set 'max_length' to at most {INDEXABLE_LENGTH} or remove '{key}'.",
            )


def warning(code: str, pointer: str, message: str, remedy: str) -> Diagnostic:
    """Return a diagnostic that does not stop publishing."""
    return Diagnostic(code, pointer, message, remedy, severity=Severity.WARNING)
