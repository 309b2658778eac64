"""Setup: background jobs. How things stand, what waits, runs or was given up, and trying again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import NotFound

from trellis.jobs import monitor
from trellis_admin.i18n import language
from trellis_admin.page import go, render
from trellis_admin.session import needs_admin, time_zone
from trellis_admin.setup_pages import SetupPage
from trellis_metadata.errors import TrellisError

HOME = "/setup/jobs"
SHOWN = 50
COLORS = {"ready": "blue", "held": "gray", "running": "indigo", "done": "green", "dead": "red", "cancelled": "gray"}


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "system", 10, _("Background jobs"), "/setup/jobs", "stopwatch", _("What runs, waits or was given up.")
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "jobs", jobs)
    blueprint.add_url_rule(f"{HOME}/<int:number>", "job", job)
    blueprint.add_url_rule(f"{HOME}/<any(retry, cancel):what>", "change_jobs", change, methods=["POST"])


def _states() -> dict[str, str]:
    return {
        "ready": _("Queued"),
        "held": _("Held"),
        "running": _("Running"),
        "done": _("Done"),
        "dead": _("Given up"),
        "cancelled": _("Cancelled"),
    }


@needs_admin
def jobs() -> Response:
    """The monitor: health, schedules, and jobs by state and topic."""
    state, topic = request.args.get("state") or None, request.args.get("topic") or None
    before = request.args.get("before", type=int)
    now = g.tenant.clock.now()
    with g.tenant.database.reading() as connection:
        try:
            found = monitor.jobs(connection, state=state, topic=topic, before=before, limit=SHOWN + 1)
        except TrellisError:
            raise NotFound from None
        health = monitor.health(connection, now)
        coming = monitor.schedules(connection)
    return render(
        "pages/setup_jobs.html",
        health=health,
        waited=_length(health["waiting_s"]),
        states=_states(),
        state=state,
        topic=topic,
        jobs=[_shown(row, now) for row in found[:SHOWN]],
        more=found[SHOWN - 1]["id"] if len(found) > SHOWN else None,
        schedules=[{**s, "next": _moment(s["next_at"]), "last": _moment(s["last_at"])} for s in coming],
    )


@needs_admin
def job(number: int) -> Response:
    """One job: what it is to do, and why it failed."""
    with g.tenant.database.reading() as connection:
        try:
            row = monitor.job_of(connection, number)
        except TrellisError:
            raise NotFound from None
    return render("pages/setup_job.html", job=_shown(row, g.tenant.clock.now()), payload=row["payload"])


@needs_admin
def change(what: str) -> Response:
    """Try the chosen jobs again, or take them back."""
    chosen = [int(n) for n in request.form.getlist("job") if n.isascii() and n.isdigit() and len(n) < 19]
    done = (monitor.retry if what == "retry" else monitor.cancel)(g.tenant, g.person, chosen)
    if what == "retry":
        said = ngettext("%(num)d job is tried again", "%(num)d jobs are tried again", len(done))
    else:
        said = ngettext("%(num)d job was cancelled", "%(num)d jobs were cancelled", len(done))
    back = request.form.get("back", "")
    state = back if back in monitor.STATES else ""
    return go(f"{HOME}?state={state}" if state else HOME, said)


def _shown(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    total = row["total"]
    return {
        **row,
        "word": _states()[row["state"]],
        "color": COLORS[row["state"]],
        "due": _moment(row["due_at"]),
        "created": _moment(row["created_at"]),
        "late": row["state"] == "ready" and row["due_at"] <= now,
        "percent": min(100, row["done"] * 100 // total) if total else None,
        "may_retry": row["state"] == "dead" or (row["state"] == "ready" and row["attempts"] > 0),
        "may_cancel": row["state"] in ("ready", "held", "running", "dead"),
    }


def _moment(value: datetime | None) -> str:
    if value is None:
        return ""
    chosen = language()
    return str(format_datetime(value.astimezone(time_zone()), chosen.datetime, locale=chosen.locale))


def _length(seconds: int) -> str:
    if seconds < 120:
        return str(ngettext("%(num)d second", "%(num)d seconds", seconds))
    if seconds < 7200:
        return str(ngettext("%(num)d minute", "%(num)d minutes", seconds // 60))
    return str(ngettext("%(num)d hour", "%(num)d hours", seconds // 3600))
