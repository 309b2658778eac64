"""What happened to a record: its changes, newest first, as lines for the activity column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g
from flask_babel import gettext as _
from markupsafe import Markup

from trellis import history
from trellis.history import history_of
from trellis.model import ObjectModel
from trellis.record_id import format_id
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
    "derived": ("sum", "gray"),
}


@dataclass(frozen=True)
class FieldChange:
    """One changed field with what it was and what it became; ``again``: the old value can be written again."""

    name: str
    label: str
    before: Markup
    after: Markup
    again: bool


@dataclass(frozen=True)
class Event:
    """One line of the history. ``id`` is the number of the change."""

    id: int
    title: str
    icon: str
    color: str
    person: str
    at: datetime
    when: str
    changes: Sequence[FieldChange]


def events_of(
    root: ObjectModel, number: int, before: int | None = None, limit: int = LIMIT
) -> tuple[list[Event], int | None]:
    """Return a page of the changes that the person may know of, and what to ask the next page with."""
    with g.tenant.database.reading() as connection:
        page = history_of(g.tenant, connection, g.model, g.person, root.name, number, limit=limit, before=before)
    made = context(names_of_ids(_ids(root, page.changes)))
    return [_event(root, change, made) for change in page.changes], page.before


def _ids(root: ObjectModel, changes: Sequence[history.Change]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {"user": {format_id("user", c.actor) for c in changes if c.actor}}
    for change in changes:
        for name, pair in change.values.items():
            field = root.field(name)
            for value in pair if field is not None and field.category == "reference" else ():
                if isinstance(value, str):
                    ids.setdefault(value.rpartition("_")[0], set()).add(value)
    return {k: v for k, v in ids.items() if v}


def _event(root: ObjectModel, change: history.Change, made: RenderContext) -> Event:
    titles = {
        "created": _("Created"),
        "updated": _("Changed"),
        "deleted": _("Deleted"),
        "restored": _("Restored"),
        "derived": _("Computed anew"),
    }
    glyph, color = _ICONS.get(change.action, ("history", "gray"))
    person = made.name_of(format_id("user", change.actor)) if change.actor else _("Trellis")
    shown = [] if change.action == "created" else _changes(root, change, made)
    when = relative(change.at, made)
    return Event(change.id, titles.get(change.action, change.action), glyph, color, person, change.at, when, shown)


def _changes(root: ObjectModel, change: history.Change, made: RenderContext) -> list[FieldChange]:
    again = set(history.restorable(root, change))
    found = []
    for name, (before, after) in change.values.items():
        field = root.field(name)
        if field is not None:
            found.append(
                FieldChange(
                    name,
                    field.label(language().code),
                    Markup(render_value(field.doc, before, made)),
                    Markup(render_value(field.doc, after, made)),
                    name in again,
                )
            )
    return found
