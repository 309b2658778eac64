"""Values on the wire between host and worker: plain JSON, with types told beside them.

Records travel as columns: a :class:`Shape` (names and kinds of values) once, and one list of plain values per record. A
value is decoded when a script asks for it. Elsewhere a value that JSON does not know is an object with the reserved key
``$``: ``{"$": "n", "v": "12.30"}``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from trellis_plugins.scripts.jail.limits import TEXT_LENGTH

NUMBER, DATE, MOMENT, TIME, SPAN, MONEY, PLAIN = "n", "d", "t", "h", "u", "m", "p"
SAFE_INTEGER = 1 << 53
MAX_DEPTH = 40


class NotSendable(ValueError):
    """A value of a script cannot leave the worker."""


def decode(kind: str, raw: Any) -> Any:
    """Return the value that ``raw`` stands for. ``None`` stays ``None``."""
    if raw is None or kind == PLAIN:
        return raw
    return _DECODERS[kind](raw)


def _moment(raw: str) -> datetime:
    return datetime.fromisoformat(raw)


def _span(raw: float) -> timedelta:
    return timedelta(seconds=raw)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    NUMBER: Decimal,
    DATE: date.fromisoformat,
    MOMENT: _moment,
    TIME: time.fromisoformat,
    SPAN: _span,
    MONEY: lambda raw: Decimal(raw["amount"]),
}


def unpack(raw: Any) -> Any:
    """Return the value of a tagged form."""
    if type(raw) is list:
        return [unpack(v) for v in raw]
    if type(raw) is dict:
        if "$" in raw:
            kind, value = raw["$"], raw["v"]
            if kind == "i":
                return int(value)
            if kind == "o":
                return {unpack(k): unpack(v) for k, v in value}
            return decode(kind, value)
        return {k: unpack(v) for k, v in raw.items()}
    return raw


def pack(value: Any, depth: int = 0) -> Any:
    """Return the tagged form of a script's value. Raises :class:`NotSendable`."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        _check_text(value)
        return value
    if kind is int:
        return value if -SAFE_INTEGER < value < SAFE_INTEGER else {"$": "i", "v": str(value)}
    if kind is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise NotSendable("a number that is infinite or not a number cannot be stored")
        return value
    if kind is Decimal:
        if not value.is_finite():
            raise NotSendable("a number that is infinite or not a number cannot be stored")
        return {"$": NUMBER, "v": str(value)}
    if depth > MAX_DEPTH:
        raise NotSendable(f"a value nested more than {MAX_DEPTH} deep cannot be stored")
    if kind in (list, tuple, set, frozenset):
        items = sorted(value, key=str) if kind in (set, frozenset) else value
        return [pack(v, depth + 1) for v in items]
    if kind is dict:
        if all(type(k) is str and not k.startswith("$") for k in value):
            for key in value:
                _check_text(key)
            return {k: pack(v, depth + 1) for k, v in value.items()}
        return {"$": "o", "v": [[pack(k, depth + 1), pack(v, depth + 1)] for k, v in value.items()]}
    return _pack_time(value, kind, depth)


def _pack_time(value: Any, kind: type, depth: int) -> Any:
    if kind is datetime:
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return {"$": MOMENT, "v": moment.astimezone(UTC).isoformat()}
    if kind is date:
        return {"$": DATE, "v": value.isoformat()}
    if kind is time:
        return {"$": TIME, "v": value.isoformat()}
    if kind is timedelta:
        return {"$": SPAN, "v": value.total_seconds()}
    plain = getattr(type(value), "to_plain", None)
    if plain is not None:
        return pack(plain(value), depth + 1)
    raise NotSendable(f"a value of type '{getattr(kind, 'SCRIPT_NAME', kind.__name__)}' cannot be stored")


def _check_text(text: str) -> None:
    if len(text) > TEXT_LENGTH:
        raise NotSendable("a text is too long")
    if "\0" in text:
        raise NotSendable("a text holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotSendable("a text holds a lone surrogate") from None
