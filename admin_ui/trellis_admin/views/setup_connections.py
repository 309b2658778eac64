"""Setup: connections to other systems and their webhooks, with the secrets that they ask for."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.secrets import BadSecret, drop_secret, put_secret, secret_names
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.kinds.connection import KIND
from trellis_metadata.labels import text_of

HOME = "/setup/connections"


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "connections",
        20,
        _("Connections and webhooks"),
        "/setup/connections",
        "world",
        _("Other systems that are called when something happens."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "connections", connections)
    blueprint.add_url_rule(f"{HOME}/secrets", "keep_secret", keep_secret, methods=["POST"])


@needs_admin
def connections() -> Response:
    """All connections with their secrets and webhooks."""
    return _page()


@needs_admin
def keep_secret() -> Response:
    """Keep or forget a secret that a connection names."""
    name = request.form.get("name", "")
    named = {s for d in g.model.snapshot.of_kind("connection").values() for s in KIND.read(d).secrets}
    if name not in named:
        raise NotFound
    if request.form.get("forget"):
        drop_secret(g.tenant, name)
        return go(HOME, _("The secret is forgotten."))
    try:
        put_secret(g.tenant, name, request.form.get("secret", ""))
    except BadSecret:
        return _page(wrong=name, status=422)
    return go(HOME, _("The secret is kept."))


def _page(wrong: str = "", status: int = 200) -> Response:
    code = language().code
    with g.tenant.database.reading() as connection:
        given = set(secret_names(connection))
    webhooks = g.model.snapshot.of_kind("webhook").values()
    found = [
        {
            "name": name,
            "label": text_of(document.get("label"), code, name),
            "url": document["url"],
            "secrets": [(s, s in given, s == wrong) for s in KIND.read(document).secrets],
            "webhooks": [
                {
                    "name": w["name"],
                    "label": text_of(w.get("label"), code, w["name"]),
                    "object": w["object"],
                    "events": ", ".join(w["events"]),
                    "active": w.get("active", True),
                }
                for w in webhooks
                if w["connection"] == name
            ],
        }
        for name, document in sorted(g.model.snapshot.of_kind("connection").items())
    ]
    return render("pages/setup_connections.html", status, connections=found)
