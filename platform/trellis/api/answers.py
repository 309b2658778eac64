"""JSON answers."""
from __future__ import annotations

from typing import Any

import orjson
from flask import Response

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``body`` as a JSON response."""
    return Response(orjson.dumps(body, default=str, option=_OPTIONS), status, headers, mimetype="application/json")
