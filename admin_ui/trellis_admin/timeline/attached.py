"""Files that somebody attached to the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import g
from flask_babel import gettext as _
from markupsafe import Markup, escape

from trellis.record_files import files_of
from trellis.record_id import format_id
from trellis_admin.reading import names_of_ids
from trellis_admin.renderers.dates import relative
from trellis_admin.rendering import context
from trellis_admin.timeline import Entry, Stream, Subject

NAME = "files"


def streams(subject: Subject) -> Iterator[Stream]:
    def read(mark: str | None, limit: int) -> Sequence[Entry]:
        with g.tenant.database.reading() as connection:
            found = files_of(connection, subject.root.name, subject.number, limit=limit, before=mark)
        people = {format_id("user", f.owner) for f in found if f.owner is not None}
        made = context(names_of_ids({"user": people}) if people else {})
        return [
            Entry(
                f.created_at,
                f"{f.created_at.isoformat()}|{f.id}",
                _("File added"),
                "paperclip",
                "cyan",
                made.name_of(format_id("user", f.owner)) if f.owner is not None else "",
                relative(f.created_at, made),
                "",
                Markup('<a class="t-link" href="/api/v1/files/{}">{}</a>').format(f.id, escape(f.name)),
            )
            for f in found
        ]

    yield Stream(NAME, read)
