"""Files that are attached to a record, the newest first. Whoever may read the record may read them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.files import StoredFile
from trellis.storage import system

_F = system.file.c


def files_of(
    connection: Connection, object_name: str, record: int, *, limit: int = 50, before: str | None = None
) -> list[StoredFile]:
    """Return files of a record that the caller may read. ``before`` is ``<moment>|<id>`` of the last one of the page before."""
    query = sa.select(*(_F[n] for n in StoredFile.__slots__)).where(_F.object == object_name, _F.record == record)
    if before:
        at, _bar, last = before.partition("|")
        moment = datetime.fromisoformat(at)
        query = query.where(sa.or_(_F.created_at < moment, sa.and_(_F.created_at == moment, _F.id < last)))
    found = connection.execute(query.order_by(_F.created_at.desc(), _F.id.desc()).limit(limit))
    return [StoredFile(*row) for row in found]
