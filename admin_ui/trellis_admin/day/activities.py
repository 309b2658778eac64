"""One's own activities that are still to be done: late ones, those of today, and those of the next days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from flask_babel import gettext as _

from trellis.model import FieldModel, ObjectModel
from trellis.query import InvalidQuery, Query, Sort
from trellis.record_id import format_id
from trellis_admin.colors import color_of
from trellis_admin.day import Item, Section
from trellis_admin.i18n import language
from trellis_admin.reading import field_ref, label_of, run
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.session import readable_objects, time_zone
from trellis_admin.timeline.activities import when_of
from trellis_metadata.activities import activity_of
from trellis_metadata.filters import tree_of

ORDER = 10
SHOWN, AHEAD_DAYS = 8, 7


def sections() -> Sequence[Section]:
    """Return late, today's and coming activities: one query per object of activities."""
    if g.person.user is None:
        return []
    today = g.tenant.clock.now().astimezone(time_zone()).date()
    late: list[tuple[dt.datetime, Item]] = []
    now: list[tuple[dt.datetime, Item]] = []
    coming: list[tuple[dt.datetime, Item]] = []
    for name in readable_objects(g.model, g.person):
        root = g.model.object(name)
        activity = activity_of(root.doc) or {}
        at = field_ref(root, activity.get("at", ""))
        if "open" not in activity or at is None:
            continue
        for moment, item in _items(root, at.model, activity, today):
            day = moment.astimezone(time_zone()).date()
            (late if day < today else now if day == today else coming).append((moment, item))
    texts = ((_("Late"), late), (_("Today"), now), (_("The next days"), coming))
    return [
        Section(text, [item for _at, item in sorted(found, key=lambda f: f[0])[:SHOWN]], len(found) > SHOWN)
        for text, found in texts
    ]


def _items(
    root: ObjectModel, at: FieldModel, activity: Mapping[str, Any], today: dt.date
) -> list[tuple[dt.datetime, Item]]:
    until = dt.datetime.combine(today + dt.timedelta(days=AHEAD_DAYS + 1), dt.time(), time_zone())
    edge = (
        until.date().isoformat()
        if at.doc["type"] == "date"
        else until.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    mine = {"field": "owner", "op": "=", "value": format_id("user", g.person.user)}
    condition = {"and": [mine, tree_of(activity["open"]), {"field": at.name, "op": "<", "value": edge}]}
    fields = (*([root.name_field] if root.name_field else []), at.name)
    try:
        rows = run(Query(root.name, fields, condition, (Sort(at.name),), SHOWN * 3)).rows
    except InvalidQuery:
        return []  # a formula over relations that this person may not follow
    made, label = context(), root.label(language().code)
    found = []
    for row in rows:
        moment = when_of(str(row[at.name]))
        url = f"/o/{root.name}/{row['id']}"
        tick = f"{url}/done" if "done" in activity else ""
        is_late = moment.astimezone(time_zone()).date() < today
        glyph = root.doc.get("icon", "checkbox")
        item = Item(label_of(row, root), url, glyph, color_of(root.name), label, relative(moment, made), is_late, tick)
        found.append((moment, item))
    return found
