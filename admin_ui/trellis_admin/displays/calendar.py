"""The calendar: records on the days of a month, in a week by the hour of their moment, or as an agenda, by a date field.

One statement reads the records of the span on screen; a day shows the first few and says how many more there are. Moments
stand on the day that they have in the person's zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from babel.dates import format_date, format_time
from flask import g
from flask_babel import gettext as _

from trellis.access import rights
from trellis.model import FieldModel, ObjectModel
from trellis.query import Sort
from trellis_admin.displays.cells import Card, card_query, facts_of, read_cards
from trellis_admin.forms import may_enter
from trellis_admin.i18n import language
from trellis_admin.renderers.dates import moment
from trellis_admin.session import time_zone
from trellis_admin.shown import Shown, can_sort, narrowed

NAME, ORDER, ICON = "calendar", 20, "calendar-event"
TYPES = ("date", "datetime")
SPANS = ("month", "week", "agenda")
MAX_RECORDS, PER_DAY, AGENDA_DAYS = 500, 4, 30


@dataclass(frozen=True)
class Item:
    """A record on a day; ``time`` is empty for dates."""

    card: Card
    time: str


@dataclass(frozen=True)
class Day:
    """A day with what stands on it. ``outside`` is a day of the month before or after."""

    date: dt.date
    label: str
    long_label: str
    items: Sequence[Item]
    more: int
    more_url: str
    outside: bool
    today: bool


def label() -> str:
    return _("Calendar")


def suits(root: ObjectModel) -> bool:
    return bool(date_fields(root))


def date_fields(root: ObjectModel) -> list[FieldModel]:
    """Return the fields that can place a record on a day: those that people enter, then when it was made."""
    allowed = rights(g.person, root.doc)
    return [
        f
        for f in root.fields.values()
        if f.doc["type"] in TYPES
        and allowed.may_read_field(f.name)
        and not allowed.masks(f.name)
        and can_sort(root, f.name)
    ]


def field_of(shown: Shown) -> FieldModel:
    """Return the field that places the records: the one asked for, else the first."""
    fields = date_fields(shown.root)
    asked = shown.field("date", shown.state.by)
    return next((f for f in fields if asked is not None and f.name == asked.name), fields[0])


def fill(shown: Shown) -> dict[str, Any]:
    """Return the days on screen."""
    field, code = field_of(shown), language().code
    today = g.tenant.clock.now().astimezone(time_zone()).date()
    at, span = _anchor(shown, today), shown.state.span if shown.state.span in SPANS else "month"
    first, last = _bounds(at, span)
    cards, is_cut = _cards(shown, field, first, last)
    days = _days(shown, field, first, last, cards, at if span == "month" else None, today, all_of_them=span != "month")
    before, after = _steps(at, span)
    return {
        "field": field,
        "date_choices": [(f.name, f.label(code)) for f in date_fields(shown.root)],
        "span": span,
        "spans": [("month", _("Month")), ("week", _("Week")), ("agenda", _("Agenda"))],
        "title": _title(first, last, at, span),
        "weeks": [days[i : i + 7] for i in range(0, len(days), 7)],
        "days": days,
        "weekdays": [format_date(first + dt.timedelta(days=i), "EEE", locale=language().locale) for i in range(7)],
        "before_url": shown.state.url(shape=NAME, at=before.isoformat()),
        "after_url": shown.state.url(shape=NAME, at=after.isoformat()),
        "today_url": shown.state.url(shape=NAME, at=""),
        "is_cut": is_cut,
        "movable": rights(g.person, shown.root.doc).edit != "none" and may_enter(shown.root, field),
        "record_count": sum(len(d.items) + d.more for d in days),
    }


def _anchor(shown: Shown, today: dt.date) -> dt.date:
    try:
        at = dt.date.fromisoformat(shown.state.at)
    except ValueError:
        return today
    return min(max(at, dt.date(1, 3, 1)), dt.date(9999, 9, 30))


def _bounds(at: dt.date, span: str) -> tuple[dt.date, dt.date]:
    """Return the first and the last day on screen; weeks begin on Monday."""
    if span == "agenda":
        return at, at + dt.timedelta(days=AGENDA_DAYS - 1)
    first = at.replace(day=1) if span == "month" else at
    first -= dt.timedelta(days=first.weekday())
    if span == "week":
        return first, first + dt.timedelta(days=6)
    following = (at.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    end = following - dt.timedelta(days=1)
    return first, end + dt.timedelta(days=6 - end.weekday())


def _steps(at: dt.date, span: str) -> tuple[dt.date, dt.date]:
    if span == "week":
        return at - dt.timedelta(days=7), at + dt.timedelta(days=7)
    if span == "agenda":
        return at - dt.timedelta(days=AGENDA_DAYS), at + dt.timedelta(days=AGENDA_DAYS)
    first = at.replace(day=1)
    return (first - dt.timedelta(days=1)).replace(day=1), (first + dt.timedelta(days=32)).replace(day=1)


def _title(first: dt.date, last: dt.date, at: dt.date, span: str) -> str:
    locale = language().locale
    if span == "month":
        return str(format_date(at, "yyyy年M月" if language().code == "zh" else "MMMM yyyy", locale=locale))
    return f"{format_date(first, 'medium', locale=locale)} – {format_date(last, 'medium', locale=locale)}"


def _cards(shown: Shown, field: FieldModel, first: dt.date, last: dt.date) -> tuple[list[Card], bool]:
    zone = time_zone()
    if field.doc["type"] == "date":
        low, high = first.isoformat(), (last + dt.timedelta(days=1)).isoformat()
    else:
        edges = (first, last + dt.timedelta(days=1))
        low, high = (
            dt.datetime.combine(d, dt.time(), zone).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for d in edges
        )
    within = [{"field": field.name, "op": ">=", "value": low}, {"field": field.name, "op": "<", "value": high}]
    query = card_query(shown, [field.name], narrowed(shown.query, *within), MAX_RECORDS)
    found, cursor = read_cards(
        shown, replace(query, sort=(Sort(field.name),), cursor=None), facts_of(shown, {field.name})
    )
    return found, cursor is not None


def _days(
    shown: Shown,
    field: FieldModel,
    first: dt.date,
    last: dt.date,
    cards: Sequence[Card],
    month: dt.date | None,
    today: dt.date,
    *,
    all_of_them: bool,
) -> list[Day]:
    placed: dict[dt.date, list[Item]] = {}
    zone, locale = time_zone(), language().locale
    for card in cards:
        value = str(card.row[field.name])
        if field.doc["type"] == "date":
            placed.setdefault(dt.date.fromisoformat(value), []).append(Item(card, ""))
        else:
            local = moment(value).astimezone(zone)
            time = format_time(local, "short", tzinfo=zone, locale=locale)
            placed.setdefault(local.date(), []).append(Item(card, time))
    made = []
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        items = placed.get(day, [])
        shown_items = items if all_of_them else items[:PER_DAY]
        made.append(
            Day(
                day,
                str(day.day),
                format_date(day, "full", locale=locale),
                shown_items,
                len(items) - len(shown_items),
                shown.state.url(shape=NAME, span="agenda", at=day.isoformat()),
                month is not None and day.month != month.month,
                day == today,
            )
        )
    return made
