"""A person's own security: password, second factor, sessions, tokens. What widens access asks for a fresh proof first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden

from trellis.access.accounts import LoginFailed, WeakPassword
from trellis.accounts import second_factor, tokens
from trellis.accounts.changing import change_password, confirm_factor, remove_factor
from trellis.accounts.logging_in import prove
from trellis.accounts.pauses import LoginPaused
from trellis.accounts.policy import policy_of
from trellis.accounts.second_factor import WrongCode
from trellis.accounts.sessions import ProofNeeded, demand_proof, end_all, end_session, sessions_of
from trellis_admin.devices import device_of
from trellis_admin.page import go, render
from trellis_admin.qr import qr_code
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.security import safe_target
from trellis_admin.session import COOKIE, keep_session, needs_person, origin
from trellis_admin.words import of_problem

PLACE = "/me/security"
LIVES = (7, 30, 90, 365)
"""Days that a token can be made for on the page."""


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(PLACE, "own_security", show)
    for name, view in (
        ("password", new_password),
        ("sessions", end_sessions),
        ("tokens", make_token),
        ("tokens/revoke", revoke_token),
        ("codes", new_codes),
        ("factor/remove", drop_factor),
    ):
        blueprint.add_url_rule(f"{PLACE}/{name}", f"own_{name.replace('/', '_')}", view, methods=["POST"])
    blueprint.add_url_rule(f"{PLACE}/factor", "own_factor", factor, methods=["GET", "POST"])
    blueprint.add_url_rule("/me/confirm", "confirm", confirm, methods=["GET", "POST"])


def own(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a view refuse whoever is logged in as somebody else."""

    @needs_person
    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if g.person.behind is not None:
            raise Forbidden
        return view(*args, **values)

    return guarded


def proved(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make a view ask for a proof that is not older than ten minutes."""

    @own
    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        try:
            demand_proof(g.tenant, g.session)
        except ProofNeeded:
            return go(f"/me/confirm?next={request.path if request.method == 'GET' else PLACE}")
        return view(*args, **values)

    return guarded


@own
def show() -> Response:
    """The page."""
    return _page()


def _page(error: str = "", place: str = "", **more: Any) -> Response:
    user, key = g.person.user, request.cookies.get(COOKIE, "")
    with g.tenant.database.reading() as connection:
        listed = sessions_of(g.tenant, connection, user, key)
        own_tokens = tokens.tokens_of(connection, user)
        has, left = second_factor.has_factor(connection, user), second_factor.codes_left(connection, user)
    made = context()
    return render(
        "pages/own_security.html",
        422 if error else 200,
        error=error,
        place=place,
        sessions=[(s, device_of(s.agent), relative(s.seen_at, made)) for s in listed],
        tokens=[(t, relative(t.used_at, made) if t.used_at else "") for t in own_tokens],
        factor=has,
        codes_left=left,
        least=policy_of(g.tenant).password_min_length,
        lives=[d for d in LIVES if d <= (policy_of(g.tenant).token_days or d)],
        required=policy_of(g.tenant).requires_second_factor(g.person),
        now=g.tenant.clock.now(),
        **more,
    )


@own
def new_password() -> Response:
    """Change the password; the other sessions end."""
    form = request.form
    try:
        renewed = change_password(
            g.tenant,
            g.session,
            form.get("old", ""),
            form.get("new", ""),
            end_tokens="end_tokens" in form,
            origin=origin(),
        )
    except (LoginFailed, WeakPassword) as problem:
        return _page(of_problem(problem), "password")
    return keep_session(renewed, PLACE, go(PLACE, _("The password is changed. Your other sessions have ended.")))


@own
def end_sessions() -> Response:
    """End one session, or all others."""
    id = request.form.get("id", "")
    if id:
        end_session(g.tenant, g.person.user, id, g.person)
    else:
        with g.tenant.database.writing() as connection:
            end_all(g.tenant, connection, g.person.user, g.person, keep=g.session.key)
    return go(PLACE, _("Ended."))


@proved
def make_token() -> Response:
    """Make a token and show it once."""
    form = request.form
    days = form.get("days", type=int)
    expires = g.tenant.clock.now() + timedelta(days=days) if days else None
    label, scopes = form.get("label", "").strip(), form.getlist("scope")
    try:
        made = tokens.create_token(g.tenant, g.person.user, label or _("Without a name"), scopes, expires, by=g.person)
    except (tokens.BadScope, tokens.BadExpiry) as problem:
        return _page(of_problem(problem), "tokens")
    return _page(token=made)


@own
def revoke_token() -> Response:
    """End a token."""
    tokens.revoke_token(g.tenant, g.person.user, request.form.get("id", ""), g.person)
    return go(PLACE, _("The token is revoked."))


@proved
def factor() -> Response:
    """Set up a second factor."""
    if request.method == "POST":
        try:
            renewed, codes = confirm_factor(g.tenant, g.session, request.form.get("code", ""))
            return keep_session(renewed, PLACE, render("pages/own_factor.html", codes=codes))
        except WrongCode as problem:
            return _enrolment(of_problem(problem))
    return _enrolment()


def _enrolment(error: str = "") -> Response:
    with g.tenant.database.writing() as connection:
        if second_factor.has_factor(connection, g.person.user):
            return go(PLACE)
        made = second_factor.begin(g.tenant, connection, g.person.user, g.person.name)
    status = 422 if error else 200
    return render("pages/own_factor.html", status, error=error, secret=made.secret, qr=qr_code(made.address))


@proved
def new_codes() -> Response:
    """Replace the recovery codes."""
    with g.tenant.database.writing() as connection:
        if not second_factor.has_factor(connection, g.person.user):
            return go(PLACE)
        codes = second_factor.new_codes(connection, g.person.user)
    return render("pages/own_factor.html", codes=codes)


@proved
def drop_factor() -> Response:
    """Remove the second factor, unless the rules ask for it."""
    if policy_of(g.tenant).requires_second_factor(g.person):
        return _page(_("The rules of your organisation ask for a second factor."), "factor")
    remove_factor(g.tenant, g.person.user, g.person)
    return go(PLACE, _("The second factor is removed."))


@own
def confirm() -> Response:
    """Ask who it is, before a change of security."""
    target = safe_target(request.values.get("next"), PLACE)
    with g.tenant.database.reading() as connection:
        has = second_factor.has_factor(connection, g.person.user)
    if request.method == "GET":
        return render("pages/confirm.html", next=target, factor=has)
    form = request.form
    try:
        renewed = prove(g.tenant, g.session, form.get("password", ""), form.get("code", ""), origin())
    except (LoginFailed, LoginPaused, WrongCode) as problem:
        return render("pages/confirm.html", 422, next=target, factor=has, error=of_problem(problem))
    return keep_session(renewed, target)
