"""The recycle bin: which records were deleted, when and by whom, over one or all objects.

A person sees those deleted records that he might restore: the ones that he could change while they lived, as the query of
deleted records has it (``Query.deleted``). One statement for up to :data:`OBJECTS` objects, one for who deleted them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal, rights
from trellis.access.grants import READ
from trellis.access.predicate import record_predicate
from trellis.model import Model, ObjectModel
from trellis.storage import system

OBJECTS = 100
"""SQLite joins at most 500 selects."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record in the recycle bin. ``name`` is its name (None: it has none), ``deletion`` ties what went together."""

    object: str
    id: int
    name: str | None
    deleted_at: datetime
    deletion: int
    deleted_by: int | None = None

    @property
    def place(self) -> str:
        """Where the record stands in the order of the bin: the cursor behind it."""
        return f"{(self.deleted_at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"


def deleted_records(
    connection: Connection,
    model: Model,
    principal: Principal,
    objects: Iterable[str],
    *,
    limit: int,
    after: str | None = None,
    search: str = "",
) -> tuple[list[Deleted], str | None]:
    """Return the records that were deleted last, and the cursor of the next page (None: no more).

    ``after`` is a cursor; ``search`` a part of the name. Raises ValueError for a cursor that is none.
    """
    place = None if after is None else _place(after)
    found: list[Deleted] = []
    for names in _in_parts(objects):
        selects = [s for s in (_select(principal, model.object(n), place, search) for n in names) if s is not None]
        if selects:
            rows = sa.union_all(*selects).subquery()
            query = sa.select(rows).order_by(rows.c.deleted_at.desc(), rows.c.id.desc()).limit(limit + 1)
            found += [Deleted(*row) for row in connection.execute(query, {"me": principal.user})]
    found.sort(key=lambda d: (d.deleted_at, d.id), reverse=True)
    shown = _with_people(connection, found[:limit])
    return shown, shown[-1].place if len(found) > limit else None


def _in_parts(objects: Iterable[str]) -> Iterator[Sequence[str]]:
    names = list(objects)
    for start in range(0, len(names), OBJECTS):
        yield names[start : start + OBJECTS]


def _place(cursor: str) -> tuple[datetime, int]:
    micros, _, record = cursor.partition("-")
    if not (micros.isdigit() and record.isdigit() and len(cursor) < 40):
        raise ValueError(cursor)
    return _EPOCH + timedelta(microseconds=int(micros)), int(record)


def _select(
    principal: Principal, root: ObjectModel, place: tuple[datetime, int] | None, search: str
) -> sa.Select[Any] | None:
    if rights(principal, root.doc).edit == "none":
        return None
    t = root.table
    field = root.field(root.name_field or "")
    name = sa.cast(field.column, sa.Text()) if field is not None and field.columns else sa.null()
    seen = field is not None and rights(principal, root.doc).field_level(field.name) >= READ
    name = name if seen else sa.null()
    conditions = [t.c.deleted_at.isnot(None), record_predicate(principal, root, t, "edit")]
    if place is not None:
        moment, record = place
        conditions.append(sa.or_(t.c.deleted_at < moment, sa.and_(t.c.deleted_at == moment, t.c.id < record)))
    if search:
        conditions.append(sa.func.lower(name).contains(search.lower(), autoescape=True))
    columns = [sa.literal(root.name).label("object"), t.c.id, sa.cast(name, sa.Text()).label("name")]
    return sa.select(*columns, t.c.deleted_at, t.c.deleted_in.label("deletion")).where(*conditions)


def _with_people(connection: Connection, found: Sequence[Deleted]) -> list[Deleted]:
    """Add who deleted each record, from the ledger of changes."""
    c = system.change.c
    ids = [d.id for d in found]
    query = sa.select(c.record, c.actor).where(c.record.in_(ids), c.action == "deleted").order_by(c.id)
    actors = {row[0]: row[1] for row in connection.execute(query)} if ids else {}
    return [replace(d, deleted_by=actors.get(d.id)) for d in found]
