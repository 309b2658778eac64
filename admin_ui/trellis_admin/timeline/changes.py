"""What changed in the record itself: made, moved to another stage, values, deleted and brought back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask_babel import gettext as _

from trellis_admin.history import Event, events_of
from trellis_admin.timeline import Entry, Stream, Subject

NAME = "changes"


def streams(subject: Subject) -> Iterator[Stream]:
    def read(mark: str | None, limit: int) -> Sequence[Entry]:
        events, _older = events_of(subject.root, subject.number, int(mark) if mark and mark.isdigit() else None, limit)
        return [_entry(subject, event) for event in events]

    yield Stream(NAME, read)


def _entry(subject: Subject, event: Event) -> Entry:
    moved = (
        next((c for c in event.changes if subject.root.fields[c.name].doc["type"] == "stage"), None)
        if all(c.name in subject.root.fields for c in event.changes)
        else None
    )
    title, icon, color = event.title, event.icon, event.color
    if moved is not None:
        title, icon, color = _("Moved to “%(stage)s”", stage=moved.after.striptags()), "arrows-exchange", "purple"
    return Entry(
        event.at, str(event.id), title, icon, color, event.person, event.when, changes=event.changes, change=event.id
    )
