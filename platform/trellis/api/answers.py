"""JSON answers."""

from __future__ import annotations

import json
from typing import Any

import orjson
from flask import Response

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(body: Any) -> bytes:
    """Return ``body`` as JSON. What orjson cannot write (lone surrogates that are quoted back, integers beyond 64 bits) is written slowly."""
    try:
        return orjson.dumps(body, default=str, option=_OPTIONS)
    except TypeError:
        return json.dumps(body, default=str, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``body`` as a JSON response."""
    return Response(encode(body), status, headers, mimetype="application/json")
