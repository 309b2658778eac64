"""The calendars of one version of the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trellis.calendars.always import ALWAYS
from trellis.calendars.calendar import Calendar
from trellis.calendars.working_time import WorkingTime
from trellis_metadata.calendars import rules_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.model import Model


class UnknownCalendar(TrellisError):
    """There is no calendar of that name."""

    code = "unknown_calendar"


def calendars_in(snapshot: Snapshot) -> Mapping[str, Calendar]:
    """Return the calendars of one version of the metadata by name; compiled once per version."""
    found: Mapping[str, Calendar] | None = snapshot.__dict__.get("_calendars")
    if found is None:
        documents = snapshot.of_kind("calendar")
        found = {name: Calendar(rules_of(name, documents)) for name in documents}
        snapshot.__dict__["_calendars"] = found
    return found


def calendar_of(model: Model, name: str) -> Calendar:
    """Return a calendar of the model. Raises :class:`UnknownCalendar`."""
    known = calendars_in(model.snapshot)
    if name not in known:
        raise UnknownCalendar(f"There is no calendar '{name[:40]}'.{did_you_mean(name[:40], known)}")
    return known[name]


def default_calendar(snapshot: Snapshot) -> WorkingTime:
    """Return the calendar of the organisation; without one, every moment is working time."""
    name = default_name(snapshot)
    return ALWAYS if name is None else calendars_in(snapshot)[name]


def default_name(snapshot: Snapshot) -> str | None:
    """Return the name of the organisation's calendar."""
    return next((name for name, d in snapshot.of_kind("calendar").items() if d.get("default")), None)
