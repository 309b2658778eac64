"""A person's favourites and the records looked at last, as links; what may no longer be seen is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g

from trellis.bookmarks import bookmarks_of
from trellis.record_id import format_id
from trellis_admin.colors import color_of
from trellis_admin.i18n import language
from trellis_admin.reading import names_of_ids

SHOWN = 8


@dataclass(frozen=True)
class Bookmark:
    """A link to a record."""

    title: str
    url: str
    icon: str
    color: str
    kind: str


def bookmarks(kind: str, limit: int = SHOWN) -> Sequence[Bookmark]:
    """Return the person's bookmarks of a kind, the newest first: one statement per object that they speak of."""
    with g.tenant.database.reading() as connection:
        found = [(o, r) for o, r in bookmarks_of(connection, g.person.user, kind) if o in g.model.object_names]
    wanted: dict[str, set[str]] = {}
    for name, record in found:
        wanted.setdefault(name, set()).add(format_id(name, record))
    titles = names_of_ids(wanted)
    made = []
    for name, record in found:
        title = titles.get(format_id(name, record))
        if title is not None:
            root = g.model.object(name)
            label = root.label(language().code)
            url = f"/o/{name}/{format_id(name, record)}"
            made.append(Bookmark(title, url, root.doc.get("icon", "box"), color_of(name), label))
    return made[:limit]
