"""Activities that point at the record through any lookup: calls, visits, mails, tasks, notes and whatever else is one.

Those that are still to be done are not part of the past: :func:`upcoming` gives them, the next one first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g
from markupsafe import Markup, escape

from trellis.model import ObjectModel
from trellis.query import InvalidQuery, Query, Sort
from trellis_admin.colors import color_of
from trellis_admin.i18n import language
from trellis_admin.reading import field_ref, label_of, names_of_ids, run
from trellis_admin.renderers.dates import moment, relative
from trellis_admin.renderers.structured import clean_html
from trellis_admin.rendering import context
from trellis_admin.session import readable_objects, time_zone
from trellis_admin.timeline import Entry, Stream, Subject
from trellis_metadata.activities import activity_of
from trellis_metadata.filters import tree_of

NAME = "activities"
UPCOMING, SHOWN = 5, 280
MADE = "created_at"


@dataclass(frozen=True)
class Kind:
    """An object of activities, and the fields by which its records point at the subject."""

    root: ObjectModel
    fields: tuple[str, ...]
    activity: Mapping[str, Any]

    @property
    def at(self) -> str:
        """The field that says when; empty where the person may not read it or there is none."""
        name = self.activity.get("at", "")
        return name if name and field_ref(self.root, name) else ""

    @property
    def text(self) -> str:
        name = self.activity.get("text", "")
        return name if name and field_ref(self.root, name) else ""

    def about(self, record: str) -> Mapping[str, Any]:
        """Return the condition that an activity points at the record."""
        return {"or": [{"field": f, "op": "=", "value": record} for f in self.fields]}

    @property
    def open(self) -> Mapping[str, Any] | None:
        """The filter tree of what is still to be done."""
        return tree_of(self.activity["open"]) if "open" in self.activity else None


def kinds_of(root: ObjectModel) -> list[Kind]:
    """Return the activities that can point at records of an object and of which the person may read some."""
    readable = set(readable_objects(g.model, g.person))
    fields: dict[str, list[str]] = {}
    for reference in g.model.referrers.get(root.name, ()):
        if reference.source in readable and reference.field not in ("owner", "created_by", "modified_by"):
            fields.setdefault(reference.source, []).append(reference.field)
    found = []
    for name, names in sorted(fields.items()):
        source = g.model.object(name)
        activity = activity_of(source.doc)
        allowed = tuple(n for n in names if field_ref(source, n))
        if activity is not None and allowed:
            found.append(Kind(source, allowed, activity))
    return found


def streams(subject: Subject) -> Iterator[Stream]:
    for kind in kinds_of(subject.root):
        if kind.at:
            yield _stream(subject, kind, kind.at, [{"field": kind.at, "op": "is_not_blank"}], kind.root.name)
            yield _stream(subject, kind, MADE, [{"field": kind.at, "op": "is_blank"}], f"{kind.root.name}-undated")
        else:
            yield _stream(subject, kind, MADE, [], kind.root.name)


def _stream(subject: Subject, kind: Kind, by: str, conditions: Sequence[Mapping[str, Any]], name: str) -> Stream:
    def read(mark: str | None, limit: int) -> Sequence[Entry]:
        wanted = [kind.about(subject.id), *conditions]
        if kind.open is not None:
            wanted.append({"not": kind.open})
        if mark:
            at, _bar, record = mark.partition("|")
            same = {"and": [{"field": by, "op": "=", "value": at}, {"field": "id", "op": "<", "value": record}]}
            wanted.append({"or": [{"field": by, "op": "<", "value": at}, same]})
        return _entries(kind, {"and": wanted}, (Sort(by, True), Sort("id", True)), by, limit)

    return Stream(name, read)


def upcoming(subject: Subject) -> list[Entry]:
    """Return what is still to be done, the next first: one query per kind of activity."""
    found: list[Entry] = []
    for kind in kinds_of(subject.root):
        if kind.open is not None:
            by = kind.at or MADE
            condition = {"and": [kind.about(subject.id), kind.open]}
            found += _entries(kind, condition, (Sort(by), Sort("id")), by, UPCOMING)
    return sorted(found, key=lambda entry: entry.at)[:UPCOMING]


def _entries(kind: Kind, condition: Mapping[str, Any], sort: tuple[Sort, ...], by: str, limit: int) -> list[Entry]:
    root = kind.root
    names = [n for n in (root.name_field, kind.text, by, MADE, "created_by") if n]
    try:
        rows = run(Query(root.name, tuple(dict.fromkeys(names)), condition, sort, limit)).rows
    except InvalidQuery:
        return []  # a formula over relations that this person may not follow: nothing of it is shown
    people = {r["created_by"] for r in rows if isinstance(r.get("created_by"), str)}
    made = context(names_of_ids({"user": people}) if people else {})
    return [_entry(kind, row, by, made) for row in rows]


def _entry(kind: Kind, row: Mapping[str, Any], by: str, made: Any) -> Entry:
    at = when_of(row.get(by) or row[MADE])
    title = label_of(row, kind.root)
    name = kind.root.label(language().code)
    text = row.get(kind.text) if kind.text else None
    return Entry(
        at,
        f"{row.get(by) or row[MADE]}|{row['id']}",
        name if title == row["id"] else f"{name}: {title}",
        kind.root.doc.get("icon", "message"),
        color_of(kind.root.name),
        made.name_of(row["created_by"]) if isinstance(row.get("created_by"), str) else "",
        relative(at, made),
        f"/o/{kind.root.name}/{row['id']}",
        body_of(kind, str(text)) if text else Markup(""),
    )


def body_of(kind: Kind, text: str) -> Markup:
    """Return the beginning of an activity's text as harmless HTML."""
    if kind.root.fields[kind.text].doc["type"] == "rich_text" and len(text) <= SHOWN * 4:
        return Markup(clean_html(text))  # cleaned
    plain = Markup(text).striptags() if kind.root.fields[kind.text].doc["type"] == "rich_text" else text
    return escape(plain if len(plain) <= SHOWN else f"{plain[:SHOWN].rstrip()} …")


def when_of(value: str) -> dt.datetime:
    """Return a moment of a date (its first moment in the person's zone) or of a moment in JSON form."""
    if len(value) == len("2026-01-01"):
        return dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), time_zone())
    return moment(value)
