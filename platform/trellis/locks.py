"""Locks: records that nobody changes or deletes for a while, whichever door he comes through.

A lock is a row: record, source, reason, fields left open, and rules that name who may write all the same. Several locks may lie
on one record; a change must be allowed by each of them. The judgement step of the write path refuses with the reason; deleting
is refused as well, also by a cascade. Administrators and automations are bound like everybody; what is derived (roll-ups) and
what the platform blanks because a record that it pointed at was deleted is no change by somebody. Restoring is allowed: the
record comes back with its lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import ObjectModel
from trellis.named_people import resolve
from trellis.storage.prepared import Prepared
from trellis.storage.tables.locks import lock as _table
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of
from trellis_metadata.labels import Label, text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_L = _table.c
_LOCKS = sa.select(_table).where(_L.record.in_(sa.bindparam("ids", expanding=True))).order_by(_L.id)
_IS_LOCKED = Prepared(sa.select(_L.id).where(_L.record == sa.bindparam("one")))
"""Nearly every write meets no lock, and must learn it cheaply."""
CHUNK = 500
_LIFTED = "lifted_locks"
WHOLE = "_record"
_TEXTS = {
    "field": {
        "en": "The record is locked: {reason} '{field}' cannot be changed.",
        "zh": "记录已锁定：{reason} 不能修改“{field}”。",
    },
    "delete": {"en": "The record is locked: {reason} It cannot be deleted.", "zh": "记录已锁定：{reason} 不能删除。"},
    "along": {
        "en": "A record of {object} that would be deleted with it is locked: {reason}",
        "zh": "将随之删除的一条{object}记录已锁定：{reason}",
    },
}


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock. ``source`` is what set it (``approval:17``); ``actor`` who did, None for the system."""

    id: int
    object: str
    record: int
    source: str
    reason: Label
    open_fields: tuple[str, ...]
    writers: tuple[Mapping[str, Any], ...]
    actor: int | None
    at: datetime


def lock(
    tx: Transaction,
    object_name: str,
    records: Collection[int],
    *,
    source: str,
    reason: Label,
    open_fields: Sequence[str] = (),
    writers: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Lock records. A lock of the same source is replaced.

    ``reason`` is a whole sentence for people. ``open_fields`` may still be changed by everybody who could before; ``writers``
    (people named by rule) may change everything. Waits for those who are writing the records at this moment.
    """
    ids = sorted(set(records))
    if not ids:
        return
    statements_of(tx.model.object(object_name)).fetch(tx.connection, ids, lock=not tx.database.is_sqlite)
    _remove(tx, ids, source)
    tx.connection.execute(
        _table.insert(),
        [
            {
                "object": object_name,
                "record": record,
                "source": source,
                "reason": reason if isinstance(reason, str) else dict(reason),
                "open_fields": list(open_fields),
                "writers": [dict(w) for w in writers],
                "actor": tx.principal.user,
                "at": tx.now,
            }
            for record in ids
        ],
    )
    for record in ids:
        tx.trail.fact("locked", object_name, record, {"source": source})


def unlock_each(tx: Transaction, object_name: str, sources: Mapping[int, str]) -> None:
    """Take from each record the lock of its own source."""
    held = locks_of(tx.connection, sorted(sources))
    gone = [k for found in held.values() for k in found if k.source == sources[k.record]]
    for start in range(0, len(gone), CHUNK):
        tx.connection.execute(_table.delete().where(_L.id.in_([k.id for k in gone[start : start + CHUNK]])))
    for one in gone:
        tx.trail.fact("unlocked", object_name, one.record, {"source": one.source})


def unlock(tx: Transaction, object_name: str, records: Collection[int], *, source: str | None = None) -> list[int]:
    """Take the locks of one source away (None: all of them); return the records that had one."""
    ids = sorted(set(records))
    held = sorted(
        {r for r, found in locks_of(tx.connection, ids).items() if source in (None, *(k.source for k in found))}
    )
    _remove(tx, held, source)
    for record in held:
        tx.trail.fact("unlocked", object_name, record, {"source": source})
    return held


def _remove(tx: Transaction, ids: Sequence[int], source: str | None) -> None:
    for start in range(0, len(ids), CHUNK):
        which = [_L.record.in_(list(ids[start : start + CHUNK])), *([] if source is None else [_L.source == source])]
        tx.connection.execute(_table.delete().where(*which))


def locks_of(connection: Connection, records: Sequence[int]) -> dict[int, list[Lock]]:
    """Return the locks of records, by record, in the order in which they were set; records without one are absent."""
    found: dict[int, list[Lock]] = {}
    if len(records) == 1 and _IS_LOCKED.run(connection, {"one": records[0]}).first() is None:
        return found
    for start in range(0, len(records), CHUNK):
        for row in connection.execute(_LOCKS, {"ids": list(records[start : start + CHUNK])}):
            found.setdefault(row.record, []).append(
                Lock(
                    row.id,
                    row.object,
                    row.record,
                    row.source,
                    row.reason,
                    tuple(row.open_fields),
                    tuple(row.writers),
                    row.actor,
                    row.at,
                )
            )
    return found


@contextmanager
def lifted(tx: Transaction, source: str) -> Iterator[None]:
    """Let the transaction write in spite of the locks of one source: for that source itself."""
    held: set[str] = tx.notes.setdefault(_LIFTED, set())
    before = set(held)
    held.add(source)
    try:
        yield
    finally:
        tx.notes[_LIFTED] = before


def enforce_locks(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that refuses changes of locked records, field by field."""
    stored = {r.id: r for r in rows if r.old is not None and r.id is not None and r.new}
    language = tx.principal.language
    for record, lock in _binding(tx, model, {i: r.old or {} for i, r in stored.items()}):
        row = stored[record]
        for name in row.new:
            field = model.field(name)
            if name not in lock.open_fields and field is not None and not _refused(row, name):
                reason = text_of(lock.reason, language)
                message = text_of(_TEXTS["field"], language).format(reason=reason, field=field.label(language))
                row.refuse(name, "locked", message)


def refuse_deletion(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that refuses to delete locked records that somebody named."""
    named = {r.id: r for r in rows if r.id is not None}
    for record, lock in _binding(tx, model, {i: r.old or {} for i, r in named.items()}):
        _tell(tx, named[record], "delete", reason=text_of(lock.reason, tx.principal.language))


def refuse_cascades(
    tx: Transaction, rows: Mapping[str, Mapping[int, Row]], roots: Mapping[tuple[str, int], Row]
) -> bool:
    """Refuse roots of deletions that would take a locked record along; return whether one was refused.

    ``rows`` are all records that would go, by object; ``roots`` the record that somebody named, by each of them.
    """
    refused = False
    for name, found in rows.items():
        model = tx.model.object(name)
        along = {i: r.old or {} for i, r in found.items() if roots[name, i] is not r and not roots[name, i].errors}
        for record, lock in _binding(tx, model, along):
            language = tx.principal.language
            texts = {"object": model.plural(language), "reason": text_of(lock.reason, language)}
            _tell(tx, roots[name, record], "along", **texts)
            refused = True
    return refused


def _binding(
    tx: Transaction, model: ObjectModel, records: Mapping[int, Mapping[str, Any]]
) -> Iterator[tuple[int, Lock]]:
    """Yield the locks that bind the writer, with their records."""
    lifted_sources = tx.notes.get(_LIFTED, ())
    found = [
        k for held in locks_of(tx.connection, list(records)).values() for k in held if k.source not in lifted_sources
    ]
    for lock in found:
        if not (lock.writers and _is_writer(tx, model, lock, records[lock.record])):
            yield lock.record, lock


def _is_writer(tx: Transaction, model: ObjectModel, lock: Lock, record: Mapping[str, Any]) -> bool:
    if tx.principal.user is None:
        return False
    # The locks of one batch have the same few rules; what they read is small beside the write itself.
    (named,) = resolve(tx, model, lock.writers, [record], [lock.actor])
    return tx.principal.user in named.users


def _refused(row: Row, name: str) -> bool:
    return any(e["code"] == "locked" for e in row.errors.get(name, ()))


def _tell(tx: Transaction, row: Row, code: str, **texts: str) -> None:
    if not any(e["code"] == "locked" for e in row.errors.get(WHOLE, ())):
        row.refuse(WHOLE, "locked", text_of(_TEXTS[code], tx.principal.language).format(**texts))
