"""Log in, log out, and the choices a person makes about the UI itself."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, request
from flask_babel import gettext as _
from flask_babel import refresh

from trellis.access import accounts
from trellis.accounts.pauses import LoginPaused
from trellis.accounts.sign_on import providers
from trellis.preferences import prefer
from trellis_admin.i18n import COOKIE as LANGUAGE_COOKIE
from trellis_admin.i18n import LANGUAGES
from trellis_admin.page import DENSITIES, THEMES, go, render
from trellis_admin.security import safe_target
from trellis_admin.session import APP_COOKIE, COOKIE, keep_session, organisation, origin

_YEAR_S = 365 * 24 * 3600
_PREFERENCES = {LANGUAGE_COOKIE: tuple(LANGUAGES), "theme": THEMES, "density": DENSITIES}


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/login", "login", show)
    blueprint.add_url_rule("/login", "log_in", log_in, methods=["POST"])
    blueprint.add_url_rule("/logout", "log_out", log_out, methods=["POST"])
    blueprint.add_url_rule("/preferences", "preferences", preferences, methods=["POST"])


def show() -> Response:
    """The log-in page; who is logged in goes on to where they wanted."""
    target = safe_target(request.args.get("next"))
    return go(target) if g.person else _page(target)


def log_in() -> Response:
    """Check the password and begin a session, or go on to what else must be shown."""
    target = safe_target(request.form.get("next"))
    login, password = request.form.get("login", "").strip(), request.form.get("password", "")
    try:
        session = accounts.log_in(g.tenant, login, password, origin(), previous=request.cookies.get(COOKIE, ""))
    except LoginPaused as problem:
        text = _("Too many attempts. Wait %(seconds)s seconds and try again.", seconds=problem.details["wait_s"])
        response = _page(target, login, text, 429)
        response.headers["Retry-After"] = str(problem.details["wait_s"])
        return response
    except accounts.LoginFailed:
        return _page(target, login, _("That login and password do not match. Check both and try again."), 422)
    return keep_session(session, target)


def _page(target: str, login: str = "", error: str = "", status: int = 200) -> Response:
    return render(
        "pages/login.html",
        status,
        next=target,
        login=login,
        error=error,
        organisation=organisation(),
        providers=providers(g.tenant),
    )


def log_out() -> Response:
    """End the session."""
    key = request.cookies.get(COOKIE)
    if key:
        accounts.log_out(g.tenant, key, origin())
    response = go("/login")
    response.delete_cookie(COOKIE)
    # What the browser kept of the pages goes too.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def preferences() -> Response:
    """Keep language, theme, density and zone with the person; cookies serve the log-in page and the app.

    A script that changes one at once asks for no other page (``quiet``).
    """
    response = make_response("", 204) if "quiet" in request.form else go(safe_target(request.form.get("next")))
    names = {LANGUAGE_COOKIE: "language", "theme": "theme", "density": "density", "time_zone": "time_zone"}
    changes = {kept: request.form[sent] or None for sent, kept in names.items() if sent in request.form}
    if g.person and changes:
        prefer(g.tenant, g.person, changes)
    for name, allowed in _PREFERENCES.items():
        value = request.form.get(name)
        if value in allowed:
            response.set_cookie(name, value, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure)
    app = request.form.get("app")
    if app:
        response.set_cookie(APP_COOKIE, app[:80], max_age=_YEAR_S, samesite="Lax", secure=request.is_secure)
    refresh()
    return response
