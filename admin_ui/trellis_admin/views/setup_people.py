"""People's accounts for administrators: who can log in, what is open, one-time links, logging in as them, offboarding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, NotFound

from trellis.access import Cause
from trellis.accounts import second_factor, tokens
from trellis.accounts.acting import ReasonMissing, begin_acting, end_acting
from trellis.accounts.changing import remove_factor
from trellis.accounts.links import PATH, make_link
from trellis.accounts.policy import REQUIRED_OF, BadSecuritySetting, change_policy, policy_of
from trellis.accounts.sessions import ProofNeeded, demand_proof, end_all, end_session, sessions_of
from trellis.offboarding import BadHandover, handover_of, holdings, start, take_back
from trellis.offboarding.destinations import destinations
from trellis.offboarding.handing_over import handovers_of
from trellis.record_id import BadRecordId, format_id, parse_id
from trellis.storage import system
from trellis_admin.devices import device_of
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import keep_session, needs_admin, needs_person, origin
from trellis_admin.setup_pages import SetupPage
from trellis_admin.words import of_problem
from trellis_metadata.labels import text_of

PLACE = "/setup/people"
PAGE = 50


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "people",
        10,
        _("People and log-in"),
        "/setup/people",
        "users",
        _("Who can log in, and handing over what somebody leaves."),
    )
    yield SetupPage(
        "people",
        20,
        _("Security rules"),
        "/setup/security",
        "lock",
        _("Passwords, second factor and how long people stay logged in."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(PLACE, "people", people)
    blueprint.add_url_rule("/setup/security", "security_rules", rules)
    blueprint.add_url_rule("/setup/security", "change_security_rules", change_rules, methods=["POST"])
    blueprint.add_url_rule(f"{PLACE}/<user>", "account", show)
    for name, view in (
        ("sessions", end_sessions),
        ("tokens", revoke),
        ("link", link),
        ("factor", drop_factor),
        ("act", act),
        ("offboard", offboard),
        ("activate", activate),
    ):
        blueprint.add_url_rule(f"{PLACE}/<user>/{name}", f"account_{name}", view, methods=["POST"])
    blueprint.add_url_rule(f"{PLACE}/<user>/offboard", "offboarding", offboarding)
    blueprint.add_url_rule(f"{PLACE}/<user>/handovers/<int:number>", "handover", handover)
    blueprint.add_url_rule(f"{PLACE}/<user>/handovers/<int:number>/undo", "undo_handover", undo, methods=["POST"])
    blueprint.add_url_rule("/act/end", "end_acting", stop, methods=["POST"])


def _people(search: str = "", number: int | None = None, after: int = 0, limit: int = PAGE) -> list[Any]:
    user, c = g.model.object("user"), system.credential.c
    f, t = user.fields, user.table
    names = ("name", "login", "email", "title", "active")
    query = sa.select(t.c.id, *(f[n].column.label(n) for n in names), c.admin).join(system.credential, c.user == t.c.id)
    query = query.where(t.c.deleted_at.is_(None), t.c.id > after)
    if search:
        pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(sa.or_(*(f[n].column.ilike(pattern, escape="\\") for n in ("name", "login", "email"))))
    if number is not None:
        query = query.where(t.c.id == number)
    with g.tenant.database.reading() as connection:
        rows = connection.execute(query.order_by(t.c.id).limit(limit)).mappings()
        return [
            {**r, "number": r["id"], "id": format_id("user", r["id"]), "active": r["active"] is not False} for r in rows
        ]


def _one(user: str) -> Any:
    try:
        found = _people(number=parse_id(user, ["user"])[1])
    except BadRecordId:
        raise NotFound from None
    if not found:
        raise NotFound
    return found[0]


@needs_admin
def people() -> Response:
    """Who has an account."""
    search, after = request.args.get("q", "").strip()[:80], request.args.get("after", 0, type=int)
    found = _people(search, after=after, limit=PAGE + 1)
    following = found[PAGE - 1]["number"] if len(found) > PAGE else None
    return render("pages/people.html", people=found[:PAGE], text=search, after=following)


@needs_admin
def show(user: str) -> Response:
    """One account."""
    return _page(_one(user))


def _page(one: Any, error: str = "", **more: Any) -> Response:
    with g.tenant.database.reading() as connection:
        listed = sessions_of(g.tenant, connection, one["number"])
        found = tokens.tokens_of(connection, one["number"])
        has = second_factor.has_factor(connection, one["number"])
        past = handovers_of(connection, one["number"])
    made = context()
    policy = policy_of(g.tenant)
    return render(
        "pages/account.html",
        422 if error else 200,
        one=one,
        error=error,
        sessions=[(s, device_of(s.agent), relative(s.seen_at, made)) for s in listed],
        tokens=[(t, relative(t.used_at, made) if t.used_at else "") for t in found],
        factor=has,
        handovers=[(h, relative(h.created_at, made)) for h in past],
        may_act=policy.acting and not one["admin"] and one["active"],
        hours=policy.link_hours,
        **more,
    )


def _back(one: Any, message: str) -> Response:
    return go(f"{PLACE}/{one['id']}", message)


@needs_admin
def end_sessions(user: str) -> Response:
    """End one session or all."""
    one, id = _one(user), request.form.get("id", "")
    if id:
        end_session(g.tenant, one["number"], id, g.person)
    else:
        with g.tenant.database.writing() as connection:
            end_all(g.tenant, connection, one["number"], g.person)
    return _back(one, _("Ended."))


@needs_admin
def revoke(user: str) -> Response:
    """Revoke a token."""
    one = _one(user)
    tokens.revoke_token(g.tenant, one["number"], request.form.get("id", ""), g.person)
    return _back(one, _("The token is revoked."))


@needs_admin
def link(user: str) -> Response:
    """Make a one-time link and show it."""
    one = _one(user)
    return _page(one, link=request.host_url.rstrip("/") + PATH + make_link(g.tenant, one["number"], g.person))


@needs_admin
def drop_factor(user: str) -> Response:
    """Remove a second factor."""
    one = _one(user)
    remove_factor(g.tenant, one["number"], g.person)
    return _back(one, _("The second factor is removed."))


@needs_admin
def act(user: str) -> Response:
    """Log in as this person, with a reason."""
    one = _one(user)
    try:
        demand_proof(g.tenant, g.session)
        renewed = begin_acting(g.tenant, g.session, one["number"], request.form.get("reason", ""), origin())
    except ProofNeeded:
        return go(f"/me/confirm?next={PLACE}/{one['id']}")
    except ReasonMissing as problem:
        return _page(one, of_problem(problem))
    return keep_session(renewed, "/")


@needs_person
def stop() -> Response:
    """Become oneself again."""
    acted_as = g.person.user if g.person.behind is not None else None
    renewed = end_acting(g.tenant, g.session, origin())
    return keep_session(renewed, f"{PLACE}/{format_id('user', acted_as)}" if acted_as else "/")


@needs_admin
def offboarding(user: str) -> Response:
    """What somebody owns, and where it shall go."""
    return _wizard(_one(user))


def _wizard(one: Any, problems: Any = ()) -> Response:
    code = language().code
    with g.tenant.database.reading() as connection:
        owned = holdings(connection, g.model, one["number"])
    return render(
        "pages/offboarding.html",
        422 if problems else 200,
        one=one,
        problems=problems,
        owned=[(n, g.model.object(n).label(code), count) for n, count in owned.items()],
        total=sum(owned.values()),
        destinations=[(d.name, text_of(d.label, code, d.name)) for d in destinations().values()],
        people=[p for p in _people(limit=500) if p["active"] and p["number"] != one["number"]],
        groups=[(n, text_of(d.get("label"), code, n)) for n, d in g.model.snapshot.of_kind("group").items()],
        form=request.form,
    )


@needs_admin
def offboard(user: str) -> Response:
    """End the person's access and begin the hand-over."""
    one, form = _one(user), request.form
    if one["number"] == g.person.user:
        raise Forbidden
    objects = {n[3:]: _rule(v) for n, v in form.items() if n.startswith("to_") and v}
    rules = {"default": _rule(form.get("default", "")), "objects": objects}
    try:
        number = start(g.tenant, g.person, one["number"], rules, deactivate="keep_active" not in form)
    except BadHandover as problem:
        return _wizard(one, problem.details["problems"])
    return go(f"{PLACE}/{one['id']}/handovers/{number}")


def _rule(text: str) -> dict[str, str | None] | None:
    """Read one choice: ``person:user_…``, ``group:sales``, ``manager``."""
    to, _colon, value = text.partition(":")
    return {"to": to, "value": value or None} if to else None


@needs_admin
def handover(user: str, number: int) -> Response:
    """How far a hand-over is; the page asks again while it goes on."""
    one = _one(user)
    with g.tenant.database.reading() as connection:
        found = handover_of(connection, number)
    if found.user != one["number"]:
        raise NotFound
    code = language().code
    given = [(g.model.object(n).label(code) if n in g.model.object_names else n, c) for n, c in found.given.items()]
    return render("pages/handover.html", one=one, handover=found, given=given)


@needs_admin
def undo(user: str, number: int) -> Response:
    """Take a hand-over back."""
    one = _one(user)
    take_back(g.tenant, g.person, number)
    return go(f"{PLACE}/{one['id']}/handovers/{number}")


@needs_admin
def activate(user: str) -> Response:
    """Let somebody log in again."""
    one = _one(user)
    g.tenant.run(g.person, Cause("ui"), lambda tx: tx.update("user", [{"id": one["number"], "active": True}]))
    return _back(one, _("The user is active again."))


@needs_admin
def rules() -> Response:
    """The rules for passwords, sessions, tokens and second factors."""
    return _rules()


def _rules(problems: Any = ()) -> Response:
    code = language().code
    sets = [(n, text_of(d.get("label"), code, n)) for n, d in g.model.snapshot.of_kind("permission_set").items()]
    policy = policy_of(g.tenant)
    return render("pages/security_rules.html", 422 if problems else 200, policy=policy, sets=sets, problems=problems)


@needs_admin
def change_rules() -> Response:
    """Change the rules."""
    form = request.form
    try:
        demand_proof(g.tenant, g.session)
    except ProofNeeded:
        return go("/me/confirm?next=/setup/security")
    numbers = ("password_min_length", "session_idle_minutes", "session_days", "link_hours", "token_days")
    changes: dict[str, Any] = {n: form.get(n, type=int) for n in numbers}
    changes |= {"second_factor": form.get("second_factor", REQUIRED_OF[0]), "acting": "acting" in form}
    changes["second_factor_sets"] = form.getlist("second_factor_sets")
    try:
        change_policy(g.tenant, g.person, changes)
    except BadSecuritySetting as problem:
        return _rules(problem.details["problems"])
    return go("/setup/security", _("The rules are changed."))
