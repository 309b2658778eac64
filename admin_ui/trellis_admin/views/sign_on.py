"""Logging in through an identity provider: there and back."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, redirect, request
from flask_babel import gettext as _

from trellis.accounts.id_tokens import SignOnFailed
from trellis.accounts.providers import UnknownProvider, providers
from trellis.accounts.sign_on import COOKIE, LIFE, arrive, depart
from trellis_admin.page import render
from trellis_admin.security import safe_target
from trellis_admin.session import COOKIE as SESSION_COOKIE
from trellis_admin.session import keep_session, organisation, origin

PLACE = "/login/with"


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(f"{PLACE}/<name>", "sign_on", there)
    blueprint.add_url_rule(f"{PLACE}/<name>/back", "sign_on_back", back)


def there(name: str) -> Response:
    """Send the browser to the provider."""
    try:
        departure = depart(g.tenant, name, safe_target(request.args.get("next")))
    except (SignOnFailed, UnknownProvider) as problem:
        return _failed(problem.message)
    response: Response = redirect(departure.url, 303)
    # Lax, because the way back is a link from elsewhere.
    response.set_cookie(
        COOKIE,
        departure.state,
        max_age=int(LIFE.total_seconds()),
        path=PLACE,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


def back(name: str) -> Response:
    """Take what the provider sent and begin a session."""
    args = request.args
    try:
        session, target = arrive(
            g.tenant,
            name,
            state=args.get("state", ""),
            kept=request.cookies.get(COOKIE, ""),
            code=args.get("code", ""),
            origin=origin(),
            previous=request.cookies.get(SESSION_COOKIE, ""),
        )
    except SignOnFailed as problem:
        return _failed(problem.message)
    response = keep_session(session, safe_target(target))
    response.delete_cookie(COOKIE, path=PLACE)
    return response


def _failed(reason: str) -> Response:
    """Say that it did not work; the reason is in the audit and in the log."""
    current_app.logger.warning("log-in through a provider failed: %s", reason)
    text = _("The log-in did not work. Try again, or ask your administrator.")
    context = {"next": "/", "login": "", "organisation": organisation(), "providers": providers(g.tenant)}
    return render("pages/login.html", 422, error=text, **context)
