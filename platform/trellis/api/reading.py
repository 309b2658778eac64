"""Reads what clients send, strictly: an unknown parameter or a malformed body is refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request

from trellis.api.errors import BadRequest, TooLarge, UnsupportedMediaType
from trellis.json_text import BadJson, parse_json
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
    except (BadJson, UnicodeEncodeError):
        raise BadRequest(f"Parameter '{name}' is not valid JSON.") from None


def filter_parameter() -> Any:
    """Return the parameter ``filter``: a tree written as JSON, or the text of a formula."""
    text = request.args.get("filter", "")
    return json_parameter("filter") if text.lstrip()[:1] in ("{", "[", "") or text == "null" else text


def flag(name: str) -> bool:
    """Return a query parameter that is ``true`` or ``false`` (absent: false)."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"'{name}' is true or false, not '{text[:40]}'.")
    return text == "true"
