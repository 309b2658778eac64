"""Records that a user comes back to: favourites, which he marks, and those that he looked at last.

Both are lists of record numbers; what of them may still be seen is asked when they are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.storage.tables.people import bookmark
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

FAVOURITE, RECENT = "favourite", "recent"
MAX_FAVOURITES, MAX_RECENT = 100, 30
_B = bookmark.c
Record = tuple[str, int]
"""Object and number."""


class TooManyFavourites(TrellisError):
    """A user has as many favourites as he may have."""

    code = "too_many_favourites"


def bookmarks_of(connection: Connection, user: int | None, kind: str, limit: int = MAX_FAVOURITES) -> list[Record]:
    """Return a user's favourites, or what he looked at, the newest first."""
    query = sa.select(_B.object, _B.record).where(_B.user == user, _B.kind == kind)
    return [(o, r) for o, r in connection.execute(query.order_by(_B.at.desc(), _B.record.desc()).limit(limit))]


def is_favourite(connection: Connection, user: int | None, record: Record) -> bool:
    """Whether a user marked the record."""
    return connection.execute(sa.select(_B.at).where(*_key(user, FAVOURITE, record))).first() is not None


def set_favourite(tenant: Tenant, principal: Principal, record: Record, wanted: bool) -> None:
    """Mark the record, or take the mark off. The caller has asked whether the principal may see it."""
    if principal.user is None:
        return
    with tenant.database.writing() as connection:
        if wanted and len(bookmarks_of(connection, principal.user, FAVOURITE)) >= MAX_FAVOURITES:
            raise TooManyFavourites(
                f"There are {MAX_FAVOURITES} favourites already. Take the mark off another record first."
            )
        _put(tenant, connection, principal.user, FAVOURITE, record, wanted)


def visited(tenant: Tenant, principal: Principal, record: Record) -> None:
    """Note that the record was looked at; the oldest beyond :data:`MAX_RECENT` are forgotten."""
    user = principal.user
    if user is None:
        return
    with tenant.database.reading() as connection:
        if bookmarks_of(connection, user, RECENT, 1) == [record]:
            return
    with tenant.database.writing() as connection:
        _put(tenant, connection, user, RECENT, record, True)
        old = sa.select(_B.record).where(_B.user == user, _B.kind == RECENT).order_by(_B.at.desc(), _B.record.desc())
        gone = list(connection.execute(old.offset(MAX_RECENT).limit(100)).scalars())
        if gone:
            connection.execute(bookmark.delete().where(_B.user == user, _B.kind == RECENT, _B.record.in_(gone)))


def _key(user: int | None, kind: str, record: Record) -> tuple[sa.ColumnElement[bool], ...]:
    return _B.user == user, _B.kind == kind, _B.object == record[0], _B.record == record[1]


def _put(tenant: Tenant, connection: Connection, user: int, kind: str, record: Record, wanted: bool) -> None:
    connection.execute(bookmark.delete().where(*_key(user, kind, record)))
    if wanted:
        entry = {"user": user, "kind": kind, "object": record[0], "record": record[1], "at": tenant.clock.now()}
        connection.execute(bookmark.insert(), entry)
