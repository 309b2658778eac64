"""Setup: the delivery log. What went out to other systems, why it failed, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from babel.dates import format_datetime
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis import deliveries
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin, time_zone
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.labels import text_of

HOME = "/setup/deliveries"
SHOWN = 50
COLORS = {deliveries.WAITING: "blue", deliveries.SENT: "green", deliveries.FAILED: "red"}


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "connections",
        30,
        _("Deliveries"),
        "/setup/deliveries",
        "arrows-exchange",
        _("What was sent, what failed, and sending it again."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "deliveries", log)
    blueprint.add_url_rule(f"{HOME}/<int:number>", "delivery", show)
    blueprint.add_url_rule(f"{HOME}/<int:number>/resend", "resend_delivery", resend, methods=["POST"])


def _states() -> dict[str, str]:
    return {deliveries.WAITING: _("To be sent"), deliveries.SENT: _("Sent"), deliveries.FAILED: _("Given up")}


def _carriers() -> dict[str, str]:
    return {n: text_of(c.label, language().code) for n, c in sorted(deliveries.carriers().items())}


@needs_admin
def log() -> Response:
    """The log, by state and carrier."""
    state, carrier = request.args.get("state") or None, request.args.get("carrier") or None
    with g.tenant.database.reading() as connection:
        found = deliveries.deliveries(
            connection,
            state=state if state in _states() else None,
            carrier=carrier if carrier in _carriers() else None,
            before=request.args.get("before", type=int),
            limit=SHOWN + 1,
        )
    return render(
        "pages/setup_deliveries.html",
        rows=[_shown(d) for d in found[:SHOWN]],
        states=_states(),
        carriers=_carriers(),
        state=state,
        carrier=carrier,
        more=found[SHOWN - 1].id if len(found) > SHOWN else None,
    )


@needs_admin
def show(number: int) -> Response:
    """One delivery with its content."""
    found = _delivery(number)
    record = None
    if found.object in g.model.object_names and found.record is not None:
        record = f"/o/{found.object}/{g.model.env.format_id(found.object, found.record)}"
    content = json.dumps(dict(found.payload), ensure_ascii=False, indent=2)
    return render("pages/setup_delivery.html", row=_shown(found), content=content, record=record)


@needs_admin
def resend(number: int) -> Response:
    """Put it down once more."""
    deliveries.resend(g.tenant, _delivery(number).id)
    return go(f"{HOME}/{number}", _("It waits to be sent once more."))


def _delivery(number: int) -> deliveries.Delivery:
    with g.tenant.database.reading() as connection:
        try:
            return deliveries.delivery_of(connection, number)
        except deliveries.UnknownDelivery:
            raise NotFound from None


def _shown(found: deliveries.Delivery) -> dict[str, Any]:
    def moment(value: Any) -> str:
        if value is None:
            return ""
        return format_datetime(value.astimezone(time_zone()), language().datetime, locale=language().locale)

    return {
        **deliveries.as_json(found),
        "url": f"{HOME}/{found.id}",
        "carrier_label": _carriers().get(found.carrier, found.carrier),
        "state_label": _states()[found.state],
        "color": COLORS[found.state],
        "created": moment(found.created_at),
        "tried": moment(found.tried_at),
        "sent": moment(found.sent_at),
    }
