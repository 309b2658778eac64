"""Amounts of money."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, Part
from trellis.fields.common.characters import clean_line, is_blank
from trellis.fields.common.choices import NAME_PATTERN
from trellis.fields.common.numbers import MAX_PRECISION, decimal_reader, decimal_schema, plain, ungroup
from trellis.fields.common.options import check_decimal, decimal_options
from trellis.fields.common.problems import invalid, require_object, unknown
from trellis.storage.types import ScaledDecimal, text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

DEFAULT_SCALE = 2
_EXPECTED = 'an amount such as "12.30" or {"amount": "12.30", "currency": "CNY"}'
_CODE = "^[A-Z]{3}$"
_TEXT = re.compile(r"(?:([A-Za-z]{3})\s*)?([+-]?[0-9.,]+(?:[eE][+-]?[0-9]{1,4})?)\s*([A-Za-z]{3})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217). ``corporate`` is the amount in the organisation's currency at a dated rate.

    ``corporate`` is None until the rate was applied; in the organisation's own currency it equals ``amount``. It follows
    from the others and the rate, so that it does not make two amounts different.
    """

    amount: Decimal
    currency: str
    corporate: Decimal | None = field(default=None, compare=False)


class CurrencyField(FieldType):
    """Money. Sorted, compared and limited by the amount as written; ``corporate`` compares across currencies."""

    name = "currency"
    label = {"en": "Currency", "zh": "金额"}
    icon = "coins"
    category = "number"
    widget = "currency"
    parts = {"amount": "number", "currency": "text", "corporate": "number"}
    unique_allowed = False
    options = {
        **decimal_options(DEFAULT_SCALE),
        "currencies": {
            "type": "array",
            "items": {"type": "string", "pattern": _CODE},
            "minItems": 1,
            "uniqueItems": True,
            "x-merge": "set",
            "description": "Currencies allowed (ISO 4217). Default: all of the organisation.",
            "examples": [["CNY", "USD"]],
        },
        "rate_date": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "maxLength": 40,
            "description": "Date or datetime field of the object whose day decides the exchange rate. Default, and while that "
            "field is blank: the day of the write.",
            "examples": ["close_date"],
        },
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        precision, scale = _digits(field)
        yield from check_decimal(field, pointer, precision=precision, scale=scale)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        precision, scale = _digits(field)
        parse = _reader(field, env)
        columns = (
            Column(ScaledDecimal(precision, scale)),
            Column(text_column(), "currency"),
            Column(ScaledDecimal(MAX_PRECISION, scale), "corporate"),
        )
        parts = {
            "amount": Part("", "number", plain, decimal_reader({}, precision=precision, scale=scale)),
            "currency": Part("currency", "text", None, _code_reader(field, env)),
            "corporate": Part("corporate", "number", plain, decimal_reader({}, precision=MAX_PRECISION, scale=scale)),
        }
        return Codec(
            columns,
            parse,
            "number",
            to_json=to_json,
            to_columns=_to_columns,
            from_columns=_from_columns,
            to_text=to_text,
            from_text=_text_reader(parse),
            compare=_amount,
            parts=parts,
            json_schema=_schema(field),
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text"})


def _digits(field: FieldDoc) -> tuple[int, int]:
    return field.get("precision", MAX_PRECISION), field.get("scale", DEFAULT_SCALE)


def _code_reader(field: FieldDoc, env: Environment) -> Callable[[Any], str]:
    allowed = field.get("currencies")

    def read(value: Any) -> str:
        code = (clean_line(value, "a currency code such as CNY") or "").upper()
        if code not in env.currencies:
            raise unknown(value, env.currencies, "the code of a currency of the organisation", part="currency")
        if allowed is not None and code not in allowed:
            raise invalid(
                "not_allowed", value, f"one of the field's currencies ({', '.join(allowed)})", part="currency"
            )
        return code

    return read


def _reader(field: FieldDoc, env: Environment) -> Callable[[Any], Money | None]:
    precision, scale = _digits(field)
    amount_of = decimal_reader(field, precision=precision, scale=scale, expected=_EXPECTED)
    code_of = _code_reader(field, env)

    def parse(value: Any) -> Money | None:
        if isinstance(value, Money):
            value = {"amount": value.amount, "currency": value.currency}
        elif not isinstance(value, Mapping):
            if is_blank(value):
                return None
            value = {"amount": value}
        given = require_object(value, ("amount", "currency"), _EXPECTED)
        amount, code = given.get("amount"), given.get("currency")
        if amount is None or is_blank(amount):
            if code is None or is_blank(code):
                return None
            raise invalid("missing_part", value, "an amount beside the currency", part="amount")
        number = amount_of(amount)
        currency = code_of(env.default_currency if code is None or is_blank(code) else code)
        return Money(number, currency, number if currency == env.default_currency else None)

    return parse


def to_json(money: Money) -> dict[str, str]:
    """Return amount and currency; the corporate amount is a part of its own."""
    return {"amount": plain(money.amount), "currency": money.currency}


def to_text(money: Money) -> str:
    """Return the form for files, ``12.30 CNY``."""
    return f"{plain(money.amount)} {money.currency}"


def _text_reader(parse: Callable[[Any], Money | None]) -> Callable[[str], Money | None]:
    def read(text: str) -> Money | None:
        line = text.strip()
        match = _TEXT.match(line)
        if match and not (match[1] and match[3]):
            return parse({"amount": ungroup(match[2]), "currency": match[1] or match[3]})
        return parse(line)

    return read


def _to_columns(money: Money) -> tuple[Any, ...]:
    return money.amount, money.currency, money.corporate


def _from_columns(row: tuple[Any, ...]) -> Money | None:
    return None if row[0] is None else Money(*row)


def _amount(money: Money) -> Decimal:
    return money.amount


def _schema(field: FieldDoc) -> dict[str, Any]:
    amount = decimal_schema(field, "12.30")
    code: dict[str, Any] = {"type": ["string", "null"], "pattern": r"^\s*([A-Za-z]{3})?\s*$", "examples": ["CNY"]}
    whole = {
        "type": "object",
        "properties": {"amount": {**amount, "type": ["string", "number", "null"]}, "currency": code},
        "additionalProperties": False,
    }
    return {"anyOf": [whole, amount]}
