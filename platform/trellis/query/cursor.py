"""Keyset cursors: the sort values of the last row, bound to the query that they belong to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from trellis.query.query import InvalidQuery, Query, problem


def _fingerprint(query: Query) -> str:
    shape = [query.object, [(s.path, s.descending) for s in query.sort], query.filter, query.search, query.deleted]
    try:
        text = orjson.dumps(shape, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        text = json.dumps(shape, default=str, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def write_cursor(query: Query, values: Sequence[Any], now: datetime | None = None) -> str:
    """Return an opaque text for "after the row with these sort values".

    ``now``: the moment that the next page shall take for its own, where the order depends on it.
    """
    moment = [] if now is None else [_tag(now)]
    body = json.dumps([_fingerprint(query), [_tag(v) for v in values], *moment], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def read_cursor(query: Query, text: str) -> tuple[list[Any], datetime | None]:
    """Return the sort values and the moment, if the cursor holds one.

    Raises :class:`InvalidQuery` for a cursor that is broken or of another query.
    """
    try:
        mark, values, *rest = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        result, moment = [_untag(v) for v in values], [_untag(v) for v in rest]
        if len(moment) > 1 or not all(isinstance(m, datetime) for m in moment):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        raise InvalidQuery([problem("cursor", "bad_cursor", "This cursor is not one that Trellis made.")]) from None
    if mark != _fingerprint(query):
        raise InvalidQuery(
            [
                problem(
                    "cursor",
                    "bad_cursor",
                    "This cursor belongs to a query with another filter or sort. Start without one.",
                )
            ]
        )
    return result, moment[0] if moment else None


def _tag(value: Any) -> Any:
    for mark, kind in (("t", datetime), ("d", date), ("c", time)):
        if isinstance(value, kind):
            return {mark: value.isoformat()}
    return {"n": str(value)} if isinstance(value, Decimal) else value


def _untag(value: Any) -> Any:
    if not isinstance(value, dict):
        if value is None or isinstance(value, (str, int, bool)):
            return value
        raise ValueError
    ((mark, text),) = value.items()
    if mark == "n":
        return Decimal(text)
    if mark == "t":
        return datetime.fromisoformat(text).astimezone(UTC)
    return date.fromisoformat(text) if mark == "d" else time.fromisoformat(text)
