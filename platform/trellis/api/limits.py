"""Rate limits: how many requests one token or session may send, and how often one address may try to log in.

Refused requests get 429 with ``Retry-After``. Counted in the control database, for all processes together. An address whose
tokens are refused uses up its attempts to log in.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, request
from flask_limiter import Limiter
from limits import parse_many

from trellis.api.context import COOKIE
from trellis.runtime import Runtime
from trellis.storage.request_counts import RequestCounts
from trellis_metadata.errors import TrellisError

OFF = "off"
LOG_IN = ("trellis_admin.log_in",)
"""Endpoints that check a password."""
PROBES = ("api.health", "api.ready")
"""Endpoints that a load balancer asks all the time."""


class BadLimit(TrellisError):
    """A rate limit is not written as one."""

    code = "bad_limit"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """``api`` counts the requests of one token or session, ``log_in`` attempts from one address; None: no limit."""

    api: str | None = "3000 per minute"
    log_in: str | None = "20 per minute"

    @classmethod
    def from_environment(cls, values: Mapping[str, str] = os.environ) -> RateLimits:
        """Read ``TRELLIS_API_LIMIT`` and ``TRELLIS_LOGIN_LIMIT``: such as ``100 per minute``, or ``off``."""
        return cls(
            _read(values, "TRELLIS_API_LIMIT", cls().api or OFF),
            _read(values, "TRELLIS_LOGIN_LIMIT", cls().log_in or OFF),
        )


def _read(values: Mapping[str, str], name: str, default: str) -> str | None:
    text = values.get(name) or default
    if text == OFF:
        return None
    try:
        parse_many(text)
    except ValueError:
        raise BadLimit(f"{name}: found '{text[:60]}', expected for example '100 per minute', or 'off'.") from None
    return text


def limit_requests(app: Flask, api: Blueprint, runtime: Runtime, limits: RateLimits) -> Limiter:
    """Enforce the limits of an application whose blueprints are registered."""
    limiter = Limiter(
        _caller,
        app=app,
        storage_uri="trellis://",
        storage_options={"database": runtime.control, "clock": runtime.clock},
        headers_enabled=True,
        retry_after="delta-seconds",
    )
    if limits.api:
        limiter.limit(limits.api, exempt_when=_is_probe)(api)
    if limits.log_in:
        limiter.limit(limits.log_in, key_func=_address, deduct_when=_is_refused_token)(api)
        for endpoint in LOG_IN:
            view = app.view_functions.get(endpoint)
            if view is not None:
                app.view_functions[endpoint] = limiter.limit(limits.log_in, key_func=_address)(view)
    return limiter


def _caller() -> str:
    """Return who is counted: the token or session, of which only a digest is kept, else the address."""
    header = request.headers.get("Authorization", "")
    key = header[7:].strip() if header.startswith("Bearer ") else request.cookies.get(COOKIE, "")
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:32]}" if key else _address()


def _address() -> str:
    return f"address:{request.remote_addr or 'unknown'}"


def _is_probe() -> bool:
    return request.endpoint in PROBES


def _is_refused_token(response: Response) -> bool:
    return response.status_code == 401


__all__ = ["BadLimit", "RateLimits", "RequestCounts", "limit_requests"]
