"""What happened to a record: its changes, newest first, as lines for the activity column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import g
from flask_babel import gettext as _
from markupsafe import Markup

from trellis.model import ObjectModel
from trellis.record_id import format_id
from trellis.storage import system
from trellis_admin.i18n import language
from trellis_admin.reading import names_of_ids
from trellis_admin.renderers import RenderContext, render_value
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context

LIMIT = 30
_ICONS = {
    "created": ("plus", "green"),
    "updated": ("pencil", "gray"),
    "deleted": ("trash", "red"),
    "restored": ("arrow-back-up", "teal"),
}


@dataclass(frozen=True)
class Change:
    """One changed field with what it was and what it became."""

    label: str
    before: Markup
    after: Markup


@dataclass(frozen=True)
class Event:
    """One line of the history."""

    title: str
    icon: str
    color: str
    person: str
    at: datetime
    when: str
    changes: Sequence[Change]


def history_of(root: ObjectModel, number: int, limit: int = LIMIT) -> list[Event]:
    """Return the changes of a record that the person may read."""
    c = system.change.c
    query = (
        sa.select(c.at, c.actor, c.action, c["values"])
        .where(c.record == number, c.object == root.name)
        .order_by(c.id.desc())
        .limit(limit)
    )
    with g.tenant.database.reading() as connection:
        rows = connection.execute(query).mappings().all()
    names = names_of_ids(_ids(root, rows))
    made = context(names)
    return [_event(root, row, made) for row in rows]


def _ids(root: ObjectModel, rows: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {"user": {format_id("user", r["actor"]) for r in rows if r["actor"]}}
    for row in rows:
        for name, pair in (row["values"] or {}).items():
            field = root.field(name)
            for value in pair if field is not None and field.category == "reference" else ():
                if isinstance(value, str):
                    ids.setdefault(value.rpartition("_")[0], set()).add(value)
    return {k: v for k, v in ids.items() if v}


def _event(root: ObjectModel, row: Mapping[str, Any], made: RenderContext) -> Event:
    titles = {"created": _("Created"), "updated": _("Changed"), "deleted": _("Deleted"), "restored": _("Restored")}
    glyph, color = _ICONS.get(row["action"], ("history", "gray"))
    person = made.name_of(format_id("user", row["actor"])) if row["actor"] else _("Trellis")
    changes = [] if row["action"] == "created" else _changes(root, row["values"] or {}, made)
    return Event(
        titles.get(row["action"], row["action"]), glyph, color, person, row["at"], relative(row["at"], made), changes
    )


def _changes(root: ObjectModel, values: Mapping[str, Any], made: RenderContext) -> list[Change]:
    found = []
    for name, (before, after) in values.items():
        field = root.field(name)
        if field is not None:
            found.append(
                Change(
                    field.label(language().code),
                    Markup(render_value(field.doc, before, made)),
                    Markup(render_value(field.doc, after, made)),
                )
            )
    return found
