"""A person's absences, and who stands in."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, g, request
from flask_babel import format_date
from flask_babel import gettext as _

from trellis import absences
from trellis.clock import today
from trellis.query import Query, Sort
from trellis.record_id import format_id, parse_id
from trellis_admin.page import go, render
from trellis_admin.reading import run
from trellis_admin.session import needs_person
from trellis_admin.writing import write
from trellis_metadata.errors import TrellisError


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/me/absences", "absences", show)
    blueprint.add_url_rule("/me/absences", "add_absence", add, methods=["POST"])
    blueprint.add_url_rule("/me/absences/<int:number>/remove", "remove_absence", remove, methods=["POST"])


@needs_person
def show(error: str = "") -> Response:
    """The list and the form."""
    day = today(g.tenant.clock, g.tenant.time_zone)
    with g.tenant.database.reading() as connection:
        found = absences.absences_of(connection, g.person.user, since=day)
    colleagues = [(r["id"], r["name"]) for r in _people() if r["id"] != format_id("user", g.person.user or 0)]
    names = dict(colleagues)
    return render(
        "pages/absences.html",
        422 if error else 200,
        error=error,
        given=request.form,
        colleagues=colleagues,
        today=day.isoformat(),
        absences=[
            {
                "id": a.id,
                "days": f"{format_date(a.starts_on)} – {format_date(a.ends_on)}",
                "stand_in": names.get(format_id("user", a.stand_in), "?") if a.stand_in is not None else "",
                "note": a.note or "",
                "now": a.starts_on <= day,
            }
            for a in found
        ],
    )


def _people() -> list[dict[str, str]]:
    page = run(
        Query(
            "user",
            fields=("id", "name"),
            filter={"field": "active", "op": "=", "value": True},
            sort=(Sort("name"),),
            limit=200,
        )
    )
    return list(page.rows)


@needs_person
def add() -> Response:
    """Note an absence."""
    form = request.form
    try:
        first, last = date.fromisoformat(form.get("starts_on", "")), date.fromisoformat(form.get("ends_on", ""))
    except ValueError:
        return show(_("Give the first and the last day."))
    try:
        stand_in = parse_id(form["stand_in"], ["user"])[1] if form.get("stand_in") else None
        note = form.get("note") or None
        write(lambda tx: absences.add(tx, g.person.user or 0, first, last, stand_in=stand_in, note=note))
    except TrellisError as refused:
        return show(refused.message)
    return go("/me/absences", _("Noted"))


@needs_person
def remove(number: int) -> Response:
    """Take an absence back."""
    try:
        write(lambda tx: absences.remove(tx, number))
    except absences.UnknownAbsence:
        return go("/me/absences")
    return go("/me/absences", _("Removed"))
