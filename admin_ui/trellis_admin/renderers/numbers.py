"""Numbers, money, percent and ratings, written as the reader's language writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from babel.numbers import NumberPattern, get_currency_precision, parse_pattern
from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("integer", "number", "currency", "percent", "rating", "rollup")
DEFAULT_STARS = 5


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    kind = field.get("result") or field["type"]
    return {"currency": _currency, "percent": _percent, "rating": _rating}.get(kind, _number)(field, context)


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _with_digits(text: str) -> Callable[[int], NumberPattern]:
    """Return the pattern for each number of decimals, made once."""

    @cache
    def pattern(digits: int) -> NumberPattern:
        made = parse_pattern(text)
        made.frac_prec = (digits, digits)
        return made

    return pattern


def _number(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    locale, grouped = context.locale, field.get("grouping", True)
    pattern = _with_digits(locale.decimal_formats[None].pattern)

    def render(value: Any) -> str:
        number = _decimal(value)
        if number is None:
            return escape(value)
        digits = max(0, -int(number.as_tuple().exponent))
        return escape(pattern(digits).apply(number, locale, group_separator=grouped))

    return render


def _percent(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    number = _number(field, context)
    return lambda value: Markup(f"{number(_trim(value))}%")  # the number is escaped


def _trim(value: Any) -> Any:
    number = _decimal(value)
    if number is None or number != number.to_integral_value():
        return value if number is None else number.normalize()
    return number.quantize(Decimal(1))


def _currency(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    """The currency belongs to the value, never to the reader's language. Whole amounts are shown without decimals."""
    locale = context.locale
    pattern = _with_digits(locale.currency_formats["standard"].pattern)

    def render(value: Any) -> str:
        amount, code = (value.get("amount"), value.get("currency")) if isinstance(value, Mapping) else (value, None)
        number = _decimal(amount)
        if number is None or not isinstance(code, str):
            return escape(amount)
        digits = 0 if number == number.to_integral_value() else get_currency_precision(code)
        return escape(pattern(digits).apply(number, locale, currency=code, currency_digits=False))

    return render


def _rating(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    top = int(field.get("max", DEFAULT_STARS))
    on, off = context.icon("star", "t-icon--s t-icon--filled"), context.icon("star", "t-icon--s t-icon--off")

    def render(value: Any) -> str:
        stars = max(0, min(top, int(value)))
        return Markup('<span class="t-stars" role="img" aria-label="{}/{}">{}</span>').format(
            stars, top, Markup("").join([on] * stars + [off] * (top - stars))
        )

    return render
