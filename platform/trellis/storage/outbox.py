"""How messages come into ``t_outbox`` and are called back; what the worker does with them is in ``trellis.jobs``.

States: ``ready`` (waits for its moment or for the next attempt), ``held`` (due, but an earlier row of its subject is not
done), ``running``, ``done`` (kept to be shown), ``dead`` (given up), ``cancelled``.

INVARIANT: whoever ends a row that has a subject, in whatever way, calls :func:`release` in the same transaction after it, so
that the next held row of the subject becomes ready. Releasing too often is harmless: the next claim holds the row again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system
from trellis.storage.prepared import Prepared
from trellis_metadata.errors import TrellisError

READY, HELD, RUNNING, DONE, DEAD, CANCELLED = "ready", "held", "running", "done", "dead", "cancelled"
WAITING = (READY, HELD)
LONGEST_SUBJECT, LONGEST_KEY = 120, 200
_O = system.outbox.c
_AT_ONCE = 500
_INSERT = Prepared.insert(
    system.outbox,
    "topic",
    "payload",
    "created_at",
    "due_at",
    "state",
    "attempts",
    "done",
    "total",
    "subject",
    "key",
)
_INSERT_WITH_ID = system.outbox.insert()


class BadMessage(TrellisError):
    """The subject or the key of a message is longer than the outbox keeps."""

    code = "bad_message"


@dataclass(frozen=True, slots=True)
class Message:
    """What is put into the outbox. ``due_at`` is a UTC moment; None means now.

    Messages of one ``subject`` are delivered one after the other, in the order in which they were put in among those that
    are due. One message waits under a ``key``: a new one replaces it. A delivery that has begun is not called back.
    """

    payload: Mapping[str, Any]
    due_at: datetime | None = None
    subject: str | None = None
    key: str | None = None


def put(connection: Connection, now: datetime, topic: str, messages: Sequence[Message]) -> None:
    """Put messages into the outbox; of several under one key the last one stays. Raises :class:`BadMessage`."""
    rows = [_row(topic, m, now) for m in _last_of_each_key(messages)]
    _make_way(connection, rows)
    _INSERT.run_many(connection, rows)


def put_one(connection: Connection, now: datetime, topic: str, message: Message) -> int:
    """Put one message into the outbox and return its number. Raises :class:`BadMessage`."""
    row = _row(topic, message, now)
    _make_way(connection, [row])
    done = connection.execute(_INSERT_WITH_ID, row)
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def cancel(connection: Connection, keys: Iterable[str]) -> int:
    """Take back what waits under the keys, failed attempts included; return how many there were."""
    count = 0
    subjects: set[str] = set()
    left = iter(dict.fromkeys(keys))
    while some := list(islice(left, _AT_ONCE)):
        gone = connection.execute(
            system.outbox.delete().where(_O.key.in_(some), _O.state.in_(WAITING)).returning(_O.subject)
        ).scalars()
        found = list(gone)
        count += len(found)
        subjects.update(s for s in found if s is not None)
    release(connection, subjects)
    return count


def is_waiting(connection: Connection, key: str) -> bool:
    """Whether a row waits under the key."""
    return connection.execute(sa.select(_O.id).where(_O.key == key, _O.state.in_(WAITING))).first() is not None


def release(connection: Connection, subjects: Collection[str]) -> None:
    """Let the first held row of each subject be claimed."""
    left = iter(sorted(subjects))
    while some := list(islice(left, _AT_ONCE)):
        firsts = [
            sa.select(sa.func.min(_O.id)).where(_O.subject == s, _O.state == HELD).scalar_subquery() for s in some
        ]
        connection.execute(system.outbox.update().where(_O.id.in_(firsts)).values(state=READY))


def _last_of_each_key(messages: Sequence[Message]) -> list[Message]:
    last = {m.key: i for i, m in enumerate(messages) if m.key is not None}
    return [m for i, m in enumerate(messages) if m.key is None or last[m.key] == i]


def _make_way(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    keys = [r["key"] for r in rows if r["key"] is not None]
    if keys:
        cancel(connection, keys)


def _row(topic: str, message: Message, now: datetime) -> dict[str, Any]:
    _check("subject", message.subject, LONGEST_SUBJECT)
    _check("key", message.key, LONGEST_KEY)
    return {
        "topic": topic,
        "payload": dict(message.payload),
        "created_at": now,
        "due_at": message.due_at or now,
        "state": READY,
        "attempts": 0,
        "done": 0,
        "total": 0,
        "subject": message.subject,
        "key": message.key,
    }


def _check(what: str, name: str | None, longest: int) -> None:
    if name is not None and not 0 < len(name) <= longest:
        raise BadMessage(f"The {what} '{name[:40]}…' has {len(name)} characters; 1 to {longest} are expected.")
