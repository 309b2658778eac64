"""Reads what clients send, strictly: an unknown parameter or a malformed body is refused with a sentence."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson
from flask import request

from trellis.api.errors import BadRequest, UnsupportedMediaType
from trellis_metadata.diagnostics import did_you_mean

MAX_RECORD_BODY = 16 * 1024 * 1024


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
    """Return the body as a JSON value. Refuses bad UTF-8, duplicate keys are the last one's, NaN, and other media types."""
    if request.mimetype not in ("application/json", ""):
        raise UnsupportedMediaType(f"Expected application/json, found '{request.mimetype[:80]}'.")
    if (request.content_length or 0) > MAX_RECORD_BODY:
        raise BadRequest(f"The body is larger than {MAX_RECORD_BODY // 2**20} MB. Use the bulk endpoint.")
    data = request.get_data()
    if not data:
        raise BadRequest("The body is empty; expected JSON.")
    return parse_json(data)


def parse_json(data: bytes) -> Any:
    """Parse JSON. Integers beyond 64 bits are kept exact. Raises :class:`BadRequest` with the place of the mistake."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as first:
        try:
            return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        except RecursionError:
            raise BadRequest("The JSON is nested too deeply.") from None
        except (ValueError, UnicodeDecodeError):
            raise BadRequest(f"The body is not valid JSON: {first.msg} (line {first.lineno}, column {first.colno}).") from None


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
