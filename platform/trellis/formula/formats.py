"""Numbers, currencies, dates and durations for people (US English; the language of the user comes with the UI)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from trellis.formula.moments import micros, millis, write_time
from trellis.formula.numbers import WIDE, plain, round_to, size_of
from trellis.formula.values import fail

_MINOR_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}")
_NUMBER_FORM = re.compile(r"[#,]*0*(?:\.(0*)(#*))?%?\Z")


def grouped(value: Decimal, digits: int, most: int | None = None) -> str:
    """Write a number with thousands separators and between ``digits`` and ``most`` decimals."""
    rounded = round_to(value, digits if most is None else most, ROUND_HALF_UP)
    text = f"{rounded:,.{digits}f}" if most is None else f"{rounded:,f}"
    if most is not None:
        head, _, tail = text.partition(".")
        tail = tail.rstrip("0").ljust(digits, "0")
        text = f"{head}.{tail}" if tail else head
    return text


def format_currency(code: str | None, amount: Decimal | None) -> str | None:
    """Write an amount as ``USD -1,234.50`` with the digits of its currency; blank for a blank amount."""
    if code is None or amount is None:
        return None
    digits = _MINOR_DIGITS.get(code.upper(), 2)
    return f"{code.upper()} {grouped(round_to(amount, digits, ROUND_HALF_EVEN), digits)}"


def format_duration(first: Any, second: Any = False) -> str:
    """Write seconds, or the difference of two times or moments."""
    if isinstance(first, time):
        return _clock(abs(millis(first) - millis(second)) // 1000, days=False)
    if isinstance(first, datetime):
        return _clock(abs(micros(first - second)) // 1_000_000, days=True)
    if size_of(first) >= 18:
        fail("evaluation", "The duration is too long.")
    return _clock(abs(int(first)), days=bool(second))


def _clock(seconds: int, *, days: bool) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    if not days:
        return f"{hours:02}:{minute:02}:{second:02}"
    return f"{hours // 24}:{hours % 24:02}:{minute:02}:{second:02}"


def format_value(first: Any, *rest: Any) -> str | None:
    """Write a message, a date, a time or a number; see FORMAT."""
    if first is None:
        return None
    if isinstance(first, str):
        return _PLACEHOLDER.sub(lambda found: _argument(rest, int(found[1])), first)
    form = rest[0] if rest and isinstance(rest[0], str) else ""
    if isinstance(first, Decimal):
        return _number(first, form)
    if isinstance(first, time):
        return write_time(first) if not form else _moment(datetime.combine(date(1970, 1, 1), first), form)
    if isinstance(first, date):
        return _moment(first, form)
    return str(first)


def _argument(rest: tuple[Any, ...], index: int) -> str:
    if index >= len(rest):
        return "{" + str(index) + "}"
    value = rest[index]
    return grouped(value, 0, 3) if isinstance(value, Decimal) else str(format_value(value) or "")


def _number(value: Decimal, form: str) -> str:
    if not form:
        return grouped(value, 0, 3)
    found = _NUMBER_FORM.match(form)
    if found is None:
        fail("evaluation", f"'{form}' is not a number format.")
    least, most = len(found[1] or ""), len(found[1] or "") + len(found[2] or "")
    value = WIDE.scaleb(value, 2) if form.endswith("%") else value
    text = grouped(value, least, most) if "," in form else _ungrouped(value, least, most)
    return text + ("%" if form.endswith("%") else "")


def _ungrouped(value: Decimal, least: int, most: int) -> str:
    return grouped(value, least, most).replace(",", "") if most else plain(round_to(value, 0))


def _moment(value: date, form: str) -> str:
    hour = value.hour if isinstance(value, datetime) else 0
    minute = value.minute if isinstance(value, datetime) else 0
    clock = f"{hour % 12 or 12}:{minute:02} {'AM' if hour < 12 else 'PM'}"
    day = f"{value.month}/{value.day}/{value.year}"
    match form:
        case "date" | "short":
            return day
        case "ldate" | "long":
            return f"{value:%B} {value.day}, {value.year}"
        case "time" | "time_correct":
            return clock
        case "" | "datetime":
            return f"{day} {clock}" if isinstance(value, datetime) else day
        case _:
            fail("evaluation", f"'{form}' is not a date format (known are date, ldate, time, datetime).")
