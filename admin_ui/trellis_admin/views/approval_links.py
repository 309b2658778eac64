"""Deciding by a link from a mail: the request as its approver may see it, without logging in. Opening the page decides nothing."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.approvals import linked, reading
from trellis.approvals.deciding import VERDICTS
from trellis_admin.approving import dressed, onlooker
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_metadata.errors import TrellisError


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/approvals/link/<secret>", "approval_link", show)
    blueprint.add_url_rule("/approvals/link/<secret>", "approval_link_decide", decide, methods=["POST"])


def show(secret: str) -> Response:
    """The page that asks."""
    return _page(secret)


def decide(secret: str) -> Response:
    """Vote; the link is used up."""
    verdict = request.form.get("verdict", "")
    if verdict not in VERDICTS:
        raise NotFound
    try:
        linked.decide(g.tenant, secret, verdict, comment=request.form.get("comment"), language=language().code)
    except linked.BadLink:
        return _gone()
    except TrellisError as refused:
        return _page(secret, refused.message)
    text = _("You approved the request.") if verdict == "approve" else _("You rejected the request.")
    return _answer(200, one=None, done=text)


def _page(secret: str, error: str = "") -> Response:
    g.model = g.tenant.model()
    # Whoever is logged in in this browser: the link speaks for the person to whom it was sent.
    with g.tenant.database.reading() as connection:
        try:
            opened = linked.open_link(g.tenant, connection, secret)
        except linked.BadLink:
            return _gone()
        g.person = replace(opened.person, language=language().code)
        (one,) = dressed([reading.request_in_full(onlooker(connection), opened.request)])
    return _answer(
        422 if error else 200, one=one, error=error, person=g.person.name, given=request.form, done="", secret=secret
    )


def _gone() -> Response:
    return _answer(410, one=None, done=_("This link cannot be used any more. Log in to see your approvals."))


def _answer(status: int, **context: object) -> Response:
    response = render(
        "pages/approval_link.html", status, **{"error": "", "secret": "", "person": "", "given": {}, **context}
    )
    # The address holds a secret.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
