"""What comes between the password and an open session: a code, setting up a second factor, a new password; and the way back in.

A pending session opens these pages and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from trellis.access.accounts import LoginFailed, WeakPassword
from trellis.accounts import links, second_factor
from trellis.accounts.changing import change_password, choose_password, confirm_factor
from trellis.accounts.logging_in import ENROL, PASSWORD, SECOND_FACTOR, pass_second_factor
from trellis.accounts.pauses import LoginPaused
from trellis.accounts.policy import policy_of
from trellis.accounts.second_factor import WrongCode
from trellis.accounts.sessions import Session, find_session
from trellis_admin.page import go, render
from trellis_admin.qr import qr_code
from trellis_admin.security import safe_target
from trellis_admin.session import COOKIE, keep_session, organisation, origin
from trellis_admin.words import of_problem

STEPS = {SECOND_FACTOR: "/login/code", ENROL: "/login/enrol", PASSWORD: "/login/password"}


def install(blueprint: Blueprint) -> None:
    for name, view, methods in (
        ("code", code, ["GET", "POST"]),
        ("enrol", enrol, ["GET", "POST"]),
        ("password", password, ["GET", "POST"]),
        ("forgotten", forgotten, ["GET", "POST"]),
    ):
        blueprint.add_url_rule(f"/login/{name}", f"log_in_{name}", view, methods=methods)
    blueprint.add_url_rule("/password/<key>", "choose_password", choose, methods=["GET", "POST"])


def _pending(step: str) -> tuple[Session | None, Response | None]:
    """Return the session that waits for this step, or where to go instead."""
    session = find_session(g.tenant, request.cookies.get(COOKIE, ""))
    if session is None:
        return None, go("/login")
    if session.pending != step:
        return None, go(STEPS[session.pending] if session.pending else "/")
    return session, None


def _page(step: str, error: str = "", **more: object) -> Response:
    context = {"step": step, "error": error, "next": _target(), "organisation": organisation(), **more}
    return render("pages/log_in_step.html", 422 if error else 200, **context)


def _target() -> str:
    return safe_target(request.values.get("next"))


def _tried(work: Callable[[], Response], failed: Callable[[str], Response]) -> Response:
    try:
        return work()
    except (WrongCode, LoginFailed, LoginPaused, WeakPassword) as problem:
        return failed(of_problem(problem))


def code() -> Response:
    """Ask for the code of the second factor."""
    session, elsewhere = _pending(SECOND_FACTOR)
    if session is None or request.method == "GET":
        return elsewhere or _page("code")
    return _tried(
        lambda: keep_session(pass_second_factor(g.tenant, session, request.form.get("code", ""), origin()), _target()),
        lambda text: _page("code", text),
    )


def enrol() -> Response:
    """Set up the second factor that the rules ask for."""
    session, elsewhere = _pending(ENROL)
    if session is None:
        assert elsewhere is not None
        return elsewhere
    if request.method == "POST":
        try:
            renewed, codes = confirm_factor(g.tenant, session, request.form.get("code", ""))
            return keep_session(renewed, _target(), _page("codes", codes=codes))
        except WrongCode as problem:
            return _enrolment(session, of_problem(problem))
    return _enrolment(session)


def _enrolment(session: Session, error: str = "") -> Response:
    with g.tenant.database.writing() as connection:
        made = second_factor.begin(g.tenant, connection, session.user, session.principal.name)
    return _page("enrol", error, secret=made.secret, qr=qr_code(made.address))


def password() -> Response:
    """Ask for a new password at the first log-in."""
    session, elsewhere = _pending(PASSWORD)
    least = policy_of(g.tenant).password_min_length
    if session is None or request.method == "GET":
        return elsewhere or _page("password", least=least)
    form = request.form
    return _tried(
        lambda: keep_session(
            change_password(g.tenant, session, form.get("old", ""), form.get("new", ""), origin=origin()), _target()
        ),
        lambda text: _page("password", text, least=least),
    )


def forgotten() -> Response:
    """Ask for a one-time link. The answer is the same for everybody."""
    if request.method == "POST":
        links.ask_for_link(g.tenant, request.form.get("login", ""))
        return _page("sent")
    return _page("forgotten")


def choose(key: str) -> Response:
    """Choose a password by a one-time link."""
    least = policy_of(g.tenant).password_min_length
    try:
        with g.tenant.database.reading() as connection:
            links.user_of_link(g.tenant, connection, key)
        if request.method == "GET":
            return _referred(_page("choose", least=least))
        previous = request.cookies.get(COOKIE, "")
        return keep_session(
            choose_password(g.tenant, key, request.form.get("new", ""), origin=origin(), previous=previous), "/"
        )
    except WeakPassword as problem:
        return _referred(_page("choose", of_problem(problem), least=least))
    except links.BadLink:
        return _page("forgotten", _("This link does not work any more. Ask for a new one."))


def _referred(response: Response) -> Response:
    """The address holds the key: it must not be told to anybody."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
