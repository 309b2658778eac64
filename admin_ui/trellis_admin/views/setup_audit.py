"""The audit for administrators: search, export, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from trellis.audit import reading
from trellis.audit.kinds import KINDS
from trellis.audit.sealing import verify
from trellis.record_id import BadRecordId, parse_id
from trellis_admin.devices import device_of
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.session import needs_admin, time_zone
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.labels import text_of

PLACE = "/setup/audit"


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "people",
        30,
        _("Audit"),
        "/setup/audit",
        "shield-lock",
        _("Who logged in, exported, changed rights or looked at sensitive values."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(PLACE, "audit", show)
    blueprint.add_url_rule(f"{PLACE}/export", "export_audit", export)


def _search() -> reading.Search:
    args = request.args
    kind, person = args.get("kind", ""), args.get("person", "")
    try:
        number = parse_id(person, ["user"])[1] if person else None
    except BadRecordId:
        number = None
    since, until = _day("since"), _day("until")
    return reading.Search(
        kind if kind in KINDS else None,
        number,
        None,
        since,
        until and until + timedelta(days=1),
        args.get("text", "").strip()[:200] or None,
        args.get("before", type=int),
    )


def _day(name: str) -> datetime | None:
    """Return the beginning of a day in the reader's zone, as a moment in UTC."""
    try:
        day = datetime.strptime(request.args.get(name, ""), "%Y-%m-%d")
    except ValueError:
        return None
    return day.replace(tzinfo=time_zone()).astimezone(UTC)


@needs_admin
def show() -> Response:
    """Rows, the newest first."""
    code, zone = language().code, time_zone()
    with g.tenant.database.reading() as connection:
        rows = reading.rows(connection, g.model, g.person, _search(), reading.DEFAULT_PAGE)
        verdict = verify(g.tenant, connection) if "verify" in request.args else None
    kinds = {name: text_of(labels, code, name) for name, labels in KINDS.items()}
    asked = {k: v for k, v in request.args.items() if k in ("kind", "person", "since", "until", "text") and v}
    following = urlencode({**asked, "before": rows[-1]["id"]}) if len(rows) == reading.DEFAULT_PAGE else ""
    shown = [(r, kinds.get(r["kind"], r["kind"]), r["at"].astimezone(zone), _lines(r["detail"])) for r in rows]
    return render(
        "pages/audit.html",
        rows=shown,
        kinds=kinds,
        asked=asked,
        query=urlencode(asked),
        following=following,
        verdict=verdict,
    )


def _lines(detail: object) -> list[tuple[str, str]]:
    if not isinstance(detail, dict):
        return []
    return [(k, _said(k, v)) for k, v in detail.items()]


def _said(name: str, value: object) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name == "agent":
        return device_of(str(value))
    return ", ".join(map(str, value[:20])) if isinstance(value, list) else str(value)


@needs_admin
def export() -> Response:
    """The rows that fit as a file."""
    pieces = reading.export(g.tenant, g.person, _search(), "csv")
    response = Response(pieces, 200, mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
