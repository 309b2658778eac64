"""Messages to users: made in the transaction of what they tell of, read in the notifications centre.

A message has a kind (``mention``, ``job_done`` …), a text in the languages of the product, and where it leads. One about a
record is shown only while its reader may read that record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.access.decide import allowed_ids
from trellis.channels import listeners, tell
from trellis.model import Model
from trellis.storage.tables.people import notification

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_N = notification.c
KEPT = 500
"""Messages that a user has at most; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message. ``text`` maps languages to texts; ``object`` and ``record`` name what it is about, ``url`` a page."""

    id: int
    at: datetime
    kind: str
    text: Mapping[str, str]
    object: str | None
    record: int | None
    url: str | None
    read_at: datetime | None


def notify(
    tenant: Tenant,
    connection: Connection,
    users: Collection[int],
    kind: str,
    text: Mapping[str, str],
    *,
    about: tuple[str, int] | None = None,
    url: str | None = None,
    urls: Mapping[int, str] | None = None,
) -> None:
    """Leave a message for each of ``users``, in the transaction of ``connection``, and tell those who chose a channel.

    ``urls`` are the pages to which channels lead single people, instead of ``url``.
    """
    name, record = about or (None, None)
    entry = {"at": tenant.clock.now(), "kind": kind, "text": dict(text), "object": name, "record": record, "url": url}
    if users:
        connection.execute(notification.insert(), [{**entry, "user": user} for user in sorted(set(users))])
        tell(tenant, connection, users, kind, text, about=about, url=url, urls=urls)


@dataclass(frozen=True, slots=True)
class Note:
    """A message for ``users``, about a record (object and number)."""

    users: Collection[int]
    kind: str
    text: Mapping[str, str]
    about: tuple[str, int] | None = None


def notify_each(tenant: Tenant, connection: Connection, notes: Sequence[Note]) -> None:
    """Leave many messages in one statement, and tell those who chose a channel."""
    now = tenant.clock.now()
    entries = [
        {
            "at": now,
            "kind": n.kind,
            "text": dict(n.text),
            "object": n.about[0] if n.about else None,
            "record": n.about[1] if n.about else None,
            "url": None,
            "user": user,
        }
        for n in notes
        for user in sorted(set(n.users))
    ]
    if not entries:
        return
    connection.execute(notification.insert(), entries)
    listening = listeners(tenant, connection, {user for n in notes for user in n.users})
    for note in notes:
        mine = listening.intersection(note.users)
        if mine:
            tell(tenant, connection, mine, note.kind, note.text, about=note.about, url=None)


def notifications_of(
    connection: Connection, model: Model, principal: Principal, *, limit: int = 50, after: int = 0
) -> list[Notification]:
    """Return a user's messages that he may see, the newest first; with ``after`` only those of a greater number."""
    query = sa.select(*(_N[n] for n in Notification.__slots__)).where(_N.user == principal.user, _N.id > after)
    rows = connection.execute(query.order_by(_N.id.desc()).limit(KEPT)).all()
    return _visible(connection, model, principal, [Notification(*row) for row in rows])[:limit]


def unread(connection: Connection, model: Model, principal: Principal) -> int:
    """Count a user's messages that he may see and has not read."""
    return sum(n.read_at is None for n in notifications_of(connection, model, principal, limit=KEPT))


def mark_read(tenant: Tenant, principal: Principal, ids: Collection[int] | None = None) -> None:
    """Note that messages were read (None: all of the user's), and forget what is beyond :data:`KEPT`."""
    mine = _N.user == principal.user
    with tenant.database.writing() as connection:
        wanted = [mine, _N.read_at.is_(None), *([] if ids is None else [_N.id.in_(list(ids))])]
        connection.execute(notification.update().where(*wanted).values(read_at=tenant.clock.now()))
        last = connection.execute(sa.select(_N.id).where(mine).order_by(_N.id.desc()).offset(KEPT).limit(1)).scalar()
        if last is not None:
            connection.execute(notification.delete().where(mine, _N.id <= last))


def _visible(
    connection: Connection, model: Model, principal: Principal, found: Sequence[Notification]
) -> list[Notification]:
    """Leave out what is about records that the reader may not read: one statement per object that is spoken of."""
    wanted: dict[str, set[int]] = {}
    for n in found:
        if n.object is not None and n.record is not None:
            wanted.setdefault(n.object, set()).add(n.record)
    seen: dict[str, set[int]] = {
        name: allowed_ids(connection, principal, model, model.object(name), ids, "read")
        for name, ids in wanted.items()
        if name in model.object_names
    }
    return [n for n in found if n.object is None or n.record in seen.get(n.object, ())]


def as_json(model: Model, n: Notification) -> dict[str, Any]:
    """Return a message as clients are told of it."""
    record = None if n.object is None or n.record is None else model.env.format_id(n.object, n.record)
    return {
        "id": str(n.id),
        "at": n.at,
        "kind": n.kind,
        "text": dict(n.text),
        "object": n.object,
        "record": record,
        "url": n.url,
        "read": n.read_at is not None,
    }
