"""What protects the pages: the content policy with a nonce per answer, and the token that every write must carry."""

from __future__ import annotations

import secrets

from flask import Response, abort, current_app, g, request
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms.validators import ValidationError

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)


def nonce() -> str:
    """Return the nonce of this answer."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return g.nonce


def csrf_token() -> str:
    """Return the token that forms and scripts send back."""
    return generate_csrf()


def check_csrf() -> None:
    """Refuse a write without the token of this session."""
    if request.method in _SAFE or not current_app.config.get("TRELLIS_CSRF", True):
        return
    try:
        validate_csrf(request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD))
    except ValidationError:
        abort(400, description="csrf")


def protect(response: Response) -> Response:
    """Add the headers of a page: content policy, no framing, no sniffing, no caching of private pages."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype != "text/html":
        return response
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()))
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
    response.vary.update({"HX-Request-Type", "Cookie", "Accept-Language"})
    return response


def safe_target(target: str | None, default: str = "/") -> str:
    """Return ``target`` if it is a path on this server, else ``default`` (a log-in must not lead elsewhere)."""
    plain = target and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and not any(c in target for c in "\r\n\t") else default
