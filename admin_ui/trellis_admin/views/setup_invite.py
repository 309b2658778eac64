"""Setup: giving somebody an account, a new person or one who has a record only, and the link for the first password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.access.accounts import STANDARD, create_user, give_account
from trellis.accounts.links import PATH, make_link
from trellis.accounts.policy import policy_of
from trellis.accounts.sessions import ProofNeeded, demand_proof
from trellis.record_id import BadRecordId, format_id, parse_id
from trellis.storage import system
from trellis.transaction import RecordsInvalid
from trellis_admin.i18n import LANGUAGES, language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin
from trellis_admin.writing import texts_of
from trellis_metadata.labels import text_of

PLACE = "/setup/people/new"
MOST = 200
"""So many people without an account are offered; the others are given one from the command line."""


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(PLACE, "invitation", form)
    blueprint.add_url_rule(PLACE, "invite", invite, methods=["POST"])


def without_account(number: int | None = None) -> list[Mapping[str, Any]]:
    """Return active people with a login who have no account, by name; with ``number`` that one only."""
    user, c = g.model.object("user"), system.credential.c
    f, t = user.fields, user.table
    query = sa.select(t.c.id, f["name"].column.label("name"), f["login"].column.label("login"))
    query = query.outerjoin(system.credential, c.user == t.c.id).where(
        c.user.is_(None), t.c.deleted_at.is_(None), f["login"].column.is_not(None), f["active"].column.is_not(False)
    )
    if number is not None:
        query = query.where(t.c.id == number)
    with g.tenant.database.reading() as connection:
        rows = connection.execute(query.order_by(f["name"].column, t.c.id).limit(MOST)).mappings()
        return [{**r, "number": r["id"], "id": format_id("user", r["id"])} for r in rows]


@needs_admin
def form() -> Response:
    """The form. It opens new access, so it asks for a fresh proof of who is there."""
    try:
        demand_proof(g.tenant, g.session)
    except ProofNeeded:
        return go(f"/me/confirm?next={PLACE}")
    return _form({"user": request.args.get("user", ""), "sets": [STANDARD], "language": language().code})


def _form(values: Mapping[str, Any], errors: Mapping[str, str] | None = None) -> Response:
    code = language().code
    sets = [(n, text_of(d.get("label"), code, n)) for n, d in g.model.snapshot.of_kind("permission_set").items()]
    return render(
        "pages/person_new.html",
        422 if errors else 200,
        values=values,
        errors=errors or {},
        sets=sets,
        waiting=without_account(),
        tongues=[(known.code, known.name) for known in LANGUAGES.values()],
    )


@needs_admin
def invite() -> Response:
    """Give the account, and show the link with which the person chooses a password."""
    try:
        demand_proof(g.tenant, g.session)
    except ProofNeeded:
        return go(f"/me/confirm?next={PLACE}")
    known = g.model.snapshot.of_kind("permission_set")
    values: dict[str, Any] = {
        n: request.form.get(n, "").strip()[:255] for n in ("user", "name", "login", "email", "language")
    }
    values |= {"sets": [n for n in request.form.getlist("sets") if n in known], "admin": "admin" in request.form}
    errors = {} if values["user"] else _missing(values)
    if errors:
        return _form(values, errors)
    try:
        number = _open(values)
    except RecordsInvalid as refused:
        return _form(values, texts_of(refused.errors[0]))
    link = request.host_url.rstrip("/") + PATH + make_link(g.tenant, number, g.person)
    return render(
        "pages/person_invited.html",
        person=values["name"] or values["login"],
        address=f"/setup/people/{format_id('user', number)}",
        link=link,
        hours=policy_of(g.tenant).link_hours,
    )


def _missing(values: Mapping[str, Any]) -> dict[str, str]:
    return {n: _("This field is required.") for n in ("name", "login") if not values[n]}


def _open(values: dict[str, Any]) -> int:
    """Make the account and return the number of its user. Raises ``RecordsInvalid``, or ``NotFound`` for who has one."""
    rights = {"admin": values["admin"], "permission_sets": values["sets"], "by": g.person}
    if not values["user"]:
        spoken = values["language"] if values["language"] in LANGUAGES else "en"
        own = {"login": values["login"], "name": values["name"], "email": values["email"] or None}
        return create_user(g.tenant, **own, language=spoken, **rights)
    try:
        found = without_account(parse_id(values["user"], ["user"])[1])
    except BadRecordId:
        raise NotFound from None
    # Whoever has an account keeps it as it is: giving it again would take his password away.
    if not found:
        raise NotFound
    values["name"] = found[0]["name"]
    give_account(g.tenant, found[0]["number"], found[0]["login"], **rights)
    return int(found[0]["number"])
