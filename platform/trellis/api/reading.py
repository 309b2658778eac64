"""Reads what clients send, strictly: an unknown parameter or a malformed body is refused with a sentence."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
from flask import request

from trellis.api.errors import BadRequest, TooLarge, UnsupportedMediaType
from trellis_metadata.diagnostics import did_you_mean

MAX_RECORD_BODY = 16 * 1024 * 1024
MAX_NESTING = 100
# Numbers that a double cannot hold: 16 digits or more around a decimal point, or any exponent beside that many digits.
_LONG_NUMBER = re.compile(rb"[0-9.]{17}")


def allow_parameters(known: Iterable[str]) -> None:
    """Refuse query parameters that the endpoint does not know, or that stand twice."""
    names = list(known)
    for name in request.args:
        if name not in names:
            listed = ", ".join(names) or "none"
            raise BadRequest(f"Unknown parameter '{name[:60]}'.{did_you_mean(name, names)} Known here: {listed}.")
        if len(request.args.getlist(name)) > 1:
            raise BadRequest(f"Parameter '{name[:60]}' stands twice.")


def json_body() -> Any:
    """Return the body as a JSON value. Refuses bad UTF-8, NaN, other media types, and nesting beyond 100 levels.

    Of a key that stands twice the last counts (RFC 8259 leaves it open).
    """
    if request.mimetype not in ("application/json", ""):
        raise UnsupportedMediaType(f"Expected application/json, found '{request.mimetype[:80]}'.")
    if (request.content_length or 0) > MAX_RECORD_BODY:
        raise TooLarge(f"The body is larger than {MAX_RECORD_BODY // 2**20} MB. Use the bulk endpoint.")
    data = request.get_data()
    if len(data) > MAX_RECORD_BODY:
        raise TooLarge(f"The body is larger than {MAX_RECORD_BODY // 2**20} MB. Use the bulk endpoint.")
    if not data:
        raise BadRequest("The body is empty; expected JSON.")
    return parse_json(data)


def parse_json(data: bytes) -> Any:
    """Parse JSON; numbers that a double cannot hold stay exact. Raises :class:`BadRequest` with the place of the mistake."""
    try:
        value = _exact(data) if _LONG_NUMBER.search(data) else orjson.loads(data)
    except orjson.JSONDecodeError as first:
        try:
            value = _exact(data)
        except RecursionError:
            raise BadRequest("The JSON is nested too deeply.") from None
        except (ValueError, UnicodeDecodeError):
            raise BadRequest(f"The body is not valid JSON: {first.msg} (line {first.lineno}, column {first.colno}).") from None
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None
    except (ValueError, UnicodeDecodeError) as problem:
        raise BadRequest(f"The body is not valid JSON: {str(problem)[:120]}.") from None
    if data.count(b"{") + data.count(b"[") > MAX_NESTING and _too_deep(value):
        raise BadRequest(f"The JSON is nested deeper than {MAX_NESTING} levels.")
    return value


def _exact(data: bytes) -> Any:
    return json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_exact_float)


def _exact_float(text: str) -> float | Decimal:
    number, exact = float(text), Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_NESTING):
        level = [child for item in level if isinstance(item, (dict, list))
                 for child in (item.values() if isinstance(item, dict) else item) if isinstance(child, (dict, list))]
        if not level:
            return False
    return True


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def object_body() -> dict[str, Any]:
    """Return the body as a JSON object."""
    body = json_body()
    if not isinstance(body, dict):
        raise BadRequest(f"Expected a JSON object, found {type(body).__name__}.")
    return body


def json_parameter(name: str) -> Any:
    """Return a query parameter that holds JSON, or None."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return parse_json(text.encode())
    except (BadRequest, UnicodeEncodeError):
        raise BadRequest(f"Parameter '{name}' is not valid JSON.") from None


def flag(name: str) -> bool:
    """Return a query parameter that is ``true`` or ``false`` (absent: false)."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"'{name}' is true or false, not '{text[:40]}'.")
    return text == "true"
