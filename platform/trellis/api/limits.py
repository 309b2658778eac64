"""Rate limits: how many requests one token or session may send, and how often one address may try to log in.

Refused requests get 429 with ``Retry-After``. Counted in the control database, for all processes together. An address whose
tokens are refused uses up its attempts to log in.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from math import ceil
from typing import Any, NoReturn

from flask import Blueprint, Flask, Response, g, request
from limits import RateLimitItem, parse_many
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from trellis.api.context import COOKIE
from trellis.runtime import Runtime
from trellis.storage.request_counts import RequestCounts
from trellis_metadata.errors import TrellisError

OFF = "off"
SIGN_ON = ("trellis_admin.sign_on", "trellis_admin.sign_on_back")
"""Endpoints that ask an identity provider, by GET too."""
LOG_IN = (
    "trellis_admin.log_in",
    "trellis_admin.log_in_code",
    "trellis_admin.log_in_enrol",
    "trellis_admin.log_in_password",
    "trellis_admin.log_in_forgotten",
    "trellis_admin.choose_password",
    "trellis_admin.confirm",
    *SIGN_ON,
)
"""Endpoints that check a proof, or start work for people who are not known."""
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


def limit_requests(app: Flask, api: Blueprint, runtime: Runtime, limits: RateLimits) -> RequestCounts:
    """Enforce the limits of an application whose blueprints are registered; return what counts."""
    counts = RequestCounts(database=runtime.control, clock=runtime.clock)
    requests = _Counter(counts, limits.api)
    attempts = _Counter(counts, limits.log_in)

    @app.before_request
    def count() -> None:
        if request.blueprint == api.name and request.endpoint not in PROBES:
            attempts.refuse_when_used_up(_address())
            g.counted = requests.count(_caller())

    @app.after_request
    def tell(response: Response) -> Response:
        if request.blueprint == api.name and response.status_code == 401:
            attempts.note(_address())
        if "retry_after" in g:
            response.headers["Retry-After"] = str(g.retry_after)
        for item, key in g.pop("counted", ()):
            left = max(0, item.amount - counts.get(key))
            response.headers["X-RateLimit-Limit"] = str(item.amount)
            response.headers["X-RateLimit-Remaining"] = str(left)
            response.headers["X-RateLimit-Reset"] = str(int(counts.get_expiry(key)))
        return response

    for endpoint in LOG_IN:
        view = app.view_functions.get(endpoint)
        if view is not None:
            app.view_functions[endpoint] = _limited(view, attempts)
    return counts


class _Counter:
    """Counts against one setting. The library's own Flask extension does the same at forty per cent of a small request."""

    def __init__(self, counts: RequestCounts, setting: str | None) -> None:
        self._counts = counts
        self._items: tuple[RateLimitItem, ...] = tuple(parse_many(setting)) if setting else ()
        self._limiter = FixedWindowRateLimiter(counts)

    def count(self, who: str) -> list[tuple[RateLimitItem, str]]:
        """Count a request; refuse it where a limit is passed. Returns the limits with the keys they are counted under."""
        for item in self._items:
            if not self._limiter.hit(item, who):
                self._refuse(item, who)
        return [(item, item.key_for(who)) for item in self._items]

    def note(self, who: str) -> None:
        """Count something that has happened."""
        for item in self._items:
            self._limiter.hit(item, who)

    def refuse_when_used_up(self, who: str) -> None:
        """Refuse a request, without counting it, when nothing of a limit is left."""
        for item in self._items:
            if not self._limiter.test(item, who):
                self._refuse(item, who)

    def _refuse(self, item: RateLimitItem, who: str) -> NoReturn:
        wait = self._counts.get_expiry(item.key_for(who)) - self._counts.clock.now().timestamp()
        g.retry_after = max(1, ceil(wait))
        raise TooManyRequests(str(item))


def _limited(view: Callable[..., Any], attempts: _Counter) -> Callable[..., Any]:
    @wraps(view)
    def counted(*args: Any, **values: Any) -> Any:
        if request.method not in ("GET", "HEAD") or request.endpoint in SIGN_ON:
            attempts.count(_address())
        return view(*args, **values)

    return counted


def _caller() -> str:
    """Return who is counted: the token or session, of which only a digest is kept, else the address."""
    header = request.headers.get("Authorization", "")
    key = header[7:].strip() if header.startswith("Bearer ") else request.cookies.get(COOKIE, "")
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:32]}" if key else _address()


def _address() -> str:
    return f"address:{request.remote_addr or 'unknown'}"


__all__ = ["BadLimit", "RateLimits", "RequestCounts", "limit_requests"]
