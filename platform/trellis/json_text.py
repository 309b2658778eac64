"""JSON as clients send it: fast, and exact where a double would not be."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import orjson

from trellis_metadata.errors import TrellisError

MAX_NESTING = 100
# A number with so many digits may be one that a double cannot hold.
_LONG_NUMBER = re.compile(rb"[0-9.]{17}")


class BadJson(TrellisError):
    """The text is not JSON, or nested too deeply."""

    code = "bad_request"


def parse_json(data: bytes) -> Any:
    """Parse JSON; numbers that a double cannot hold stay exact. Raises :class:`BadJson` with the place of the mistake."""
    try:
        value = _exact(data) if _LONG_NUMBER.search(data) else orjson.loads(data)
    except orjson.JSONDecodeError as first:
        try:
            value = _exact(data)
        except RecursionError:
            raise BadJson("The JSON is nested too deeply.") from None
        except (ValueError, UnicodeDecodeError):
            raise BadJson(
                f"The body is not valid JSON: {first.msg} (line {first.lineno}, column {first.colno})."
            ) from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    except (ValueError, UnicodeDecodeError) as problem:
        raise BadJson(f"The body is not valid JSON: {str(problem)[:120]}.") from None
    if data.count(b"{") + data.count(b"[") > MAX_NESTING and _too_deep(value):
        raise BadJson(f"The JSON is nested deeper than {MAX_NESTING} levels.")
    return value


def _exact(data: bytes) -> Any:
    return json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_exact_float)


def _exact_float(text: str) -> float | Decimal:
    number, exact = float(text), Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_NESTING):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
