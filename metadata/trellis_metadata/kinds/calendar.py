"""Calendars: when people work."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from trellis_metadata.calendars import DAY, WEEKDAYS, chain, overlapping, read_shifts, rules_of, write_shift
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.principals import circle
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class CalendarDef:
    """A calendar. ``extends`` is the one whose hours and days it takes over; None for one that stands for itself."""

    name: str
    label: Label
    extends: str | None
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the calendar was read."""
        return dict(self.document)


class CalendarKind(Kind):
    """The kind ``calendar``."""

    name = "calendar"
    folder = "calendars"
    label = {"en": "calendar", "zh": "工作日历"}
    nouns = {"days": ("day", "特殊日期")}

    def read(self, document: Document) -> CalendarDef:
        return CalendarDef(document["name"], document.get("label", document["name"]), document.get("extends"), document)

    def references(self, document: Document) -> Iterator[Reference]:
        if "extends" in document:
            yield Reference("/extends", "calendar", document["extends"])

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        calendars = snapshot.of_kind("calendar")
        yield from _zone(document)
        yield from _place(document)
        wrong_days = list(_days(document))
        yield from wrong_days
        yield from _one_default(document, calendars)
        found = circle({name: d.get("extends") for name, d in calendars.items()}, document["name"])
        if found:
            text = f"The calendars extend each other in a circle: {' → '.join(found)}."
            yield Diagnostic("circle", "/extends", text, "Let one of them stand for itself.")
        elif not wrong_days:
            yield from _whole(document, calendars)


def _zone(document: Document) -> Iterator[Diagnostic]:
    zone = document.get("time_zone")
    if zone is None:
        if "extends" not in document:
            text = "A calendar that extends no other one needs a time zone."
            yield Diagnostic("missing_zone", "", text, "Add 'time_zone', such as \"Asia/Shanghai\".")
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        text = f"'{zone}' is no time zone."
        yield Diagnostic("unknown_zone", "/time_zone", text, "Use a name of the IANA list, such as Europe/Berlin.")


def _place(document: Document) -> Iterator[Diagnostic]:
    holidays = document.get("holidays", {})
    if "country" not in holidays:
        if "subdivision" in holidays:
            text = "A subdivision is named without its country."
            yield Diagnostic("missing_country", "/holidays", text, "Add 'country'.")
        return
    countries = _countries()
    country, part = holidays["country"], holidays.get("subdivision")
    if country not in countries:
        text = f"The holidays of '{country}' are not known.{did_you_mean(country, countries)}"
        yield Diagnostic("unknown_country", "/holidays/country", text, "Use a code of ISO 3166, or own days instead.")
    elif part is not None and part not in countries[country]:
        known = countries[country]
        text = f"{country} has no subdivision '{part}'.{did_you_mean(part, known)}"
        remedy = f"Use one of {', '.join(known)}." if known else "Leave it out."
        yield Diagnostic("unknown_subdivision", "/holidays/subdivision", text, remedy)


def _countries() -> Mapping[str, list[str]]:
    # The library takes a fifth of a second to load: only for who names a country.
    import holidays

    return holidays.list_supported_countries(include_aliases=False)


def _days(document: Document) -> Iterator[Diagnostic]:
    for index, day in enumerate(document.get("days", ())):
        place = f"/days/{index}"
        moments = {}
        for key in ("date", "until"):
            if key in day:
                try:
                    moments[key] = date.fromisoformat(day[key])
                except ValueError:
                    yield Diagnostic(
                        "bad_date", f"{place}/{key}", f"{day[key]} is no date.", "Write a day of the calendar."
                    )
        if len(moments) == 2 and moments["until"] < moments["date"]:
            text = f"The last day {day['until']} lies before the first one, {day['date']}."
            yield Diagnostic("bad_period", f"{place}/until", text, "Write the later day into 'until'.")
        if "hours" in day and not day.get("working"):
            text = f"'{day['name']}' is closed and has hours."
            yield Diagnostic("closed_with_hours", f"{place}/hours", text, 'Add "working": true, or remove the hours.')


def _one_default(document: Document, calendars: Mapping[str, Document]) -> Iterator[Diagnostic]:
    others = [n for n, d in calendars.items() if d.get("default") and n != document["name"]]
    if document.get("default") and others:
        text = f"'{others[0]}' is the calendar of the organisation too."
        yield Diagnostic("two_defaults", "/default", text, "Remove 'default' from one of them.")


def _whole(document: Document, calendars: Mapping[str, Document]) -> Iterator[Diagnostic]:
    """Judge the calendar together with what it takes over."""
    line = chain(document["name"], calendars)
    if line and "extends" in line[0]:
        return  # The missing base is told by the check of references.
    rules = rules_of(document["name"], calendars)
    if not any(rules.week):
        text = "The calendar is never open: no weekday has hours."
        yield Diagnostic("never_open", "/hours" if "hours" in document else "", text, "Give 'hours' to a weekday.")
        return
    for weekday, first, second in overlapping(rules.week):
        shown = write_shift((second[0] % DAY, second[1] - second[0] // DAY * DAY))
        on = WEEKDAYS[weekday] if second[0] < DAY else f"{WEEKDAYS[weekday]} and {WEEKDAYS[(weekday + 1) % 7]}"
        text = f"Shifts overlap on {on}: {write_shift(first)} and {shown}."
        yield Diagnostic(
            "shifts_overlap", "/hours" if "hours" in document else "", text, "Let one end before the other begins."
        )
    for index, day in enumerate(document.get("days", ())):
        for first, second in _neighbours(read_shifts(day.get("hours", ()))):
            text = f"Shifts overlap: {write_shift(first)} and {write_shift(second)}."
            yield Diagnostic("shifts_overlap", f"/days/{index}/hours", text, "Let one end before the other begins.")
        if day.get("working") and "hours" not in day and not rules.make_up:
            text = f"'{day['name']}' is worked, but the weekday whose hours it takes has none."
            yield Diagnostic(
                "no_hours", f"/days/{index}", text, "Give it 'hours', or name a weekday in 'make_up_like'."
            )


def _neighbours(shifts: tuple[tuple[int, int], ...]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for first, second in itertools.pairwise(shifts):
        if second[0] < first[1]:
            yield first, second


KIND = CalendarKind()
