"""Setup: calendars. Hours as a week, holidays as a year, and what so many working hours or days from a moment would be."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_date, format_datetime, get_day_names, get_month_names
from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from trellis.calendars import Calendar, NeverOpen, calendars_in
from trellis_admin import calendar_form
from trellis_admin.i18n import language
from trellis_admin.page import render
from trellis_admin.session import needs_admin
from trellis_admin.setup_pages import SetupPage
from trellis_admin.views.drafts import review
from trellis_metadata.calendars import WEEKDAYS, rules_of, write_shift
from trellis_metadata.labels import text_of

HOME = "/setup/calendars"
MOST_WORK = 10_000


def setup_pages() -> Iterator[SetupPage]:
    """What the setup shows of this module."""
    yield SetupPage(
        "process",
        30,
        _("Calendars"),
        "/setup/calendars",
        "calendar-time",
        _("Working hours and holidays, by which deadlines count."),
    )


def install(blueprint: Blueprint) -> None:
    blueprint.add_url_rule(HOME, "calendars", calendars)
    blueprint.add_url_rule(f"{HOME}/new", "new_calendar", new)
    blueprint.add_url_rule(f"{HOME}/new", "draft_calendar", draft, methods=["POST"])
    blueprint.add_url_rule(f"{HOME}/<name>", "calendar", show)
    blueprint.add_url_rule(f"{HOME}/<name>", "change_calendar", change, methods=["POST"])


def _document(name: str) -> Mapping[str, Any]:
    found = g.model.snapshot.get("calendar", name)
    if found is None:
        raise NotFound
    return found


@needs_admin
def calendars() -> Response:
    """All calendars."""
    code, documents = language().code, g.model.snapshot.of_kind("calendar")
    found = [
        {
            "name": name,
            "label": text_of(d.get("label"), code, name),
            "zone": rules_of(name, documents).zone,
            "default": d.get("default"),
        }
        for name, d in documents.items()
    ]
    return render("pages/setup_calendars.html", calendars=found)


@needs_admin
def new() -> Response:
    """The form of a new calendar."""
    plain = {day: ["09:00-17:00"] for day in WEEKDAYS[:5]}
    return _page({"kind": "calendar", "name": "", "time_zone": g.tenant.time_zone, "hours": plain}, None)


@needs_admin
def draft() -> Response:
    """Make the document of a new calendar and show what publishing it would do."""
    document = calendar_form.document_of(
        {"kind": "calendar", "name": calendar_form.new_name(request.form)}, request.form
    )
    if not document["name"]:
        return _page(document, None, [_("Give the calendar a label.")], 422)
    if g.model.snapshot.get("calendar", document["name"]):
        text = _("A calendar called “%(name)s” exists already.", name=document["name"])
        return _page({**document, "name": ""}, None, [text], 422)
    return review(
        [document], f"{HOME}/{document['name']}", lambda problems: _page({**document, "name": ""}, None, problems, 422)
    )


@needs_admin
def show(name: str) -> Response:
    """One calendar: its form, its year, and a place to try it."""
    return _page(_document(name), calendars_in(g.model.snapshot)[name])


@needs_admin
def change(name: str) -> Response:
    """Show what publishing the changed calendar would do, or its removal."""
    stored = _document(name)
    known = calendars_in(g.model.snapshot)[name]
    if request.form.get("do") == "remove":
        return review([], HOME, lambda problems: _page(stored, known, problems, 422), removed=[("calendar", name)])
    document = calendar_form.document_of(stored, request.form)
    return review([document], f"{HOME}/{name}", lambda problems: _page(document, known, problems, 422))


def _page(
    document: Mapping[str, Any], known: Calendar | None, errors: Sequence[str] = (), status: int = 200
) -> Response:
    chosen = language()
    days = get_day_names(locale=chosen.locale)
    others = g.model.snapshot.of_kind("calendar")
    values: dict[str, Any] = {
        "calendar": document,
        "label": text_of(document.get("label"), chosen.code, document["name"] or _("New calendar")),
        "form": calendar_form.shown(document),
        "weekdays": [(day, days[i]) for i, day in enumerate(WEEKDAYS)],
        "others": [(n, text_of(d.get("label"), chosen.code, n)) for n, d in others.items() if n != document["name"]],
        "zones": sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix", "right"))),
        "errors": errors,
    }
    if known is not None:
        values |= {"year": _year(known), "trial": _trial(known)}
    return render("pages/setup_calendar.html", status, **values)


def _year(known: Calendar) -> dict[str, Any]:
    """Return the months of the chosen year, each day with how it is worked and why."""
    number = request.args.get("year", type=int) or g.tenant.clock.now().astimezone(ZoneInfo(known.zone)).year
    number = min(max(number, 1901), 2199)
    chosen = language()
    names = get_month_names("wide", context="stand-alone", locale=chosen.locale)
    short = get_day_names("narrow", context="stand-alone", locale=chosen.locale)
    wide = get_day_names("wide", locale=chosen.locale)
    weeks = months.Calendar()
    return {
        "number": number,
        "heads": [(short[i], wide[i]) for i in range(7)],
        "months": [
            (names[m], [[_day(known, day, m) for day in week] for week in weeks.monthdatescalendar(number, m)])
            for m in range(1, 13)
        ],
        "special": [s for m in range(1, 13) for s in _special(known, number, m)],
        "count": known.working_days(date(number, 1, 1), date(number, 12, 31)),
    }


def _day(known: Calendar, day: date, month: int) -> dict[str, Any] | None:
    if day.month != month:
        return None
    working = known.is_working_day(day)
    special = known.reason(day) is not None or known.is_make_up(day)
    kind = ("extra" if special else "open") if working else ("holiday" if special else "closed")
    return {"number": day.day, "kind": kind}


def _special(known: Calendar, year: int, month: int) -> list[dict[str, Any]]:
    """Return the days of a month that differ from the week, with their reasons."""
    chosen = language()
    spoken = {"zh": "zh_CN", "en": "en_US"}[chosen.code]
    found = []
    for number in range(1, months.monthrange(year, month)[1] + 1):
        day = date(year, month, number)
        reason = known.reason(day, spoken)
        if reason is None and not known.is_make_up(day):
            continue
        found.append(
            {
                "day": format_date(day, "EEE " + chosen.date, locale=chosen.locale),
                "reason": text_of(reason, chosen.code, str(reason))
                if reason
                else _("Worked in exchange for a holiday"),
                "shifts": ", ".join(map(write_shift, known.shifts_on(day))),
            }
        )
    return found


def _trial(known: Calendar) -> dict[str, Any]:
    """Return the question of the person and its answer: so much working time from a moment of the calendar's zone."""
    zone = ZoneInfo(known.zone)
    now = g.tenant.clock.now().astimezone(zone).replace(second=0, microsecond=0)
    asked = {
        "start": request.args.get("start") or now.strftime("%Y-%m-%dT%H:%M"),
        "count": request.args.get("count", "2"),
        "unit": request.args.get("unit", "days"),
    }
    chosen = language()
    try:
        start = datetime.fromisoformat(asked["start"]).replace(tzinfo=zone).astimezone(UTC)
        count = int(asked["count"])
        if abs(count) > MOST_WORK:
            raise ValueError
        if asked["unit"] == "hours":
            end = known.add(start, timedelta(hours=count)).astimezone(zone)
            answer = format_datetime(end, "EEE " + chosen.datetime, locale=chosen.locale)
        else:
            day = known.add_working_days(start.astimezone(zone).date(), count)
            answer = format_date(day, "EEE " + chosen.date, locale=chosen.locale)
    except (ValueError, OverflowError, NeverOpen):
        answer = _("That cannot be reckoned.")
    return {**asked, "answer": answer}
