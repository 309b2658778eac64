"""Delete, restore and purge. Records that went together come back together.

The number of the deletion (``deleted_in``) ties them: restoring any of them restores all of that deletion that may come back.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import AccessDenied, rights
from trellis.model import ObjectModel, Reference
from trellis.storage import system
from trellis.transaction.errors import NotFound, RecordsInvalid, VersionConflict
from trellis.transaction.outcome import Outcome
from trellis.transaction.row import Row
from trellis.transaction.statements import ID_CHUNK, statements_of
from trellis.transaction.uniqueness import check_unique

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

MAX_DEPTH = 20


def delete(tx: Transaction, model: ObjectModel, ids: Sequence[int], mode: str, versions: Mapping[int, int]) -> list[Outcome]:
    """Soft-delete records. A record that others point at with rule ``restrict`` is refused."""
    ids = list(dict.fromkeys(ids))
    stored = statements_of(model).fetch(tx.connection, ids, lock=not tx.database.is_sqlite)
    rows = [_judge(tx, model, i, record, stored.get(record), versions, alone=len(ids) == 1) for i, record in enumerate(ids)]
    good = [r for r in rows if not r.errors]
    doomed: set[tuple[str, int]] = {(model.name, r.id) for r in good if r.id is not None}
    _refuse_restricted(tx, model, good, doomed)
    if mode != "partial" and any(r.errors for r in rows):
        raise RecordsInvalid([r.errors or None for r in rows])
    good = [r for r in good if not r.errors]
    number = _deletion_number(tx)
    _remove(tx, model, good, number, 0)
    return [Outcome("refused" if r.errors else "deleted", model.name, r.id, errors=r.errors) for r in rows]


def _judge(tx: Transaction, model: ObjectModel, index: int, record: int, old: dict[str, Any] | None,
           versions: Mapping[int, int], *, alone: bool) -> Row:
    row = Row(index, record, old=old)
    allowed = rights(tx.principal, model.doc)
    owner = old["owner"].id if old and old["owner"] else None
    if old is None or old["deleted_at"] is not None or not allowed.may_read(owner, tx.principal.user):
        if alone:
            raise NotFound(f"There is no such record of '{model.name}'.")
        row.refuse("id", "not_found", f"There is no such record of '{model.name}'.")
    elif not allowed.may_edit(owner, tx.principal.user):
        if alone:
            raise AccessDenied(f"You may not delete this record of '{model.name}'.")
        row.refuse("id", "access_denied", "You may not delete this record.")
    elif versions.get(record, old["version"]) != old["version"]:
        raise VersionConflict(f"Somebody changed the record: it is at version {old['version']}, you sent {versions[record]}.")
    return row


def _children(tx: Transaction, reference: Reference, ids: Sequence[int], parent: str) -> list[int]:
    child = tx.model.object(reference.source)
    field = child.fields[reference.field]
    found: list[int] = []
    for start in range(0, len(ids), ID_CHUNK):
        query = sa.select(child.table.c.id).where(field.column.in_(ids[start:start + ID_CHUNK]), child.table.c.deleted_at.is_(None))
        if len(field.columns) > 1:
            query = query.where(field.columns[1] == parent)
        found.extend(tx.connection.execute(query).scalars())
    return sorted(found)


def _refuse_restricted(tx: Transaction, model: ObjectModel, rows: Sequence[Row], doomed: set[tuple[str, int]]) -> None:
    for reference in tx.model.referrers.get(model.name, ()):
        if reference.on_delete != "restrict" or not rows:
            continue
        child = tx.model.object(reference.source)
        field = child.fields[reference.field]
        query = sa.select(field.column, sa.func.count()).where(
            field.column.in_([r.id for r in rows]), child.table.c.deleted_at.is_(None)).group_by(field.column)
        if len(field.columns) > 1:
            query = query.where(field.columns[1] == model.name)
        counts: dict[int, int] = {row[0]: row[1] for row in tx.connection.execute(query)}
        for row in rows:
            if counts.get(row.id or 0):
                row.refuse("_record", "in_use", f"{counts[row.id or 0]} record(s) of '{child.name}' point at it by '{field.name}'. "
                           "Delete or change them first.")


def _remove(tx: Transaction, model: ObjectModel, rows: Sequence[Row], number: int, depth: int) -> None:
    if not rows:
        return
    if depth > MAX_DEPTH:
        raise RecordsInvalid([{"_record": [{"code": "too_deep", "message": "Deleting cascades through more than 20 levels."}]}])
    ids = [r.id for r in rows if r.id is not None]
    for reference in tx.model.referrers.get(model.name, ()):
        children = _children(tx, reference, ids, model.name)
        if not children:
            continue
        child = tx.model.object(reference.source)
        stored = statements_of(child).fetch(tx.connection, children, lock=not tx.database.is_sqlite)
        child_rows = [Row(i, c, old=stored[c]) for i, c in enumerate(children) if stored[c]["deleted_at"] is None]
        if reference.on_delete == "cascade":
            _remove(tx, child, child_rows, number, depth + 1)
        elif reference.on_delete == "set_null":
            for row in child_rows:
                row.new = {reference.field: None}
            tx._update(child, child_rows)
            tx._after(child, child_rows)
    changes = []
    for row in rows:
        assert row.old is not None and row.id is not None
        row.new = {"deleted_at": tx.now, "deleted_in": number, "version": row.old["version"] + 1}
        row.changed = ("deleted_at",)
        changes.append((row.id, row.old["version"], row.new))
    statements_of(model).update(tx.connection, changes)
    for row in rows:
        tx.trail.record(model, row, "deleted", row.new["version"])
    tx._after(model, rows)


def _deletion_number(tx: Transaction) -> int:
    from trellis.transaction.defaults import take_numbers

    return take_numbers(tx, "deletion", 1, 1)


def restore(tx: Transaction, model: ObjectModel, ids: Sequence[int]) -> list[Outcome]:
    """Bring records back with everything of the same deletion. Keys that were taken meanwhile refuse the whole."""
    stored = statements_of(model).fetch(tx.connection, list(ids), lock=not tx.database.is_sqlite)
    allowed = rights(tx.principal, model.doc)
    numbers: set[int] = set()
    for record in ids:
        old = stored.get(record)
        owner = old["owner"].id if old and old["owner"] else None
        if old is None or old["deleted_at"] is None or not allowed.may_read(owner, tx.principal.user):
            raise NotFound(f"There is no such record of '{model.name}' in the recycle bin.")
        if not allowed.may_edit(owner, tx.principal.user):
            raise AccessDenied("You may not restore this record.")
        numbers.add(old["deleted_in"])
    outcomes: list[Outcome] = []
    for name in tx.model.object_names:
        if name == model.name or _cascades(tx, name):
            outcomes.extend(_restore_object(tx, tx.model.object(name), numbers))
    return outcomes


def _cascades(tx: Transaction, name: str) -> bool:
    return any(r.source == name and r.on_delete == "cascade" for refs in tx.model.referrers.values() for r in refs)


def _restore_object(tx: Transaction, model: ObjectModel, numbers: set[int]) -> list[Outcome]:
    t = model.table
    found = list(tx.connection.execute(sa.select(t.c.id).where(t.c.deleted_in.in_(numbers)).order_by(t.c.id)).scalars())
    stored = statements_of(model).fetch(tx.connection, found) if found else {}
    rows = [Row(i, record, old=stored[record]) for i, record in enumerate(found)]
    for row in rows:
        assert row.old is not None
        row.new = {n: row.old[n] for k in model.unique_keys for n in k.fields}
    check_unique(tx, model, rows)
    if any(r.errors for r in rows):
        raise RecordsInvalid([r.errors or None for r in rows])
    changes = []
    for row in rows:
        assert row.old is not None and row.id is not None
        row.new = {"deleted_at": None, "deleted_in": None, "version": row.old["version"] + 1}
        row.changed = ("deleted_at",)
        changes.append((row.id, row.old["version"], row.new))
    if changes:
        statements_of(model).update(tx.connection, changes)
    for row in rows:
        tx.trail.record(model, row, "restored", row.new["version"])
    tx._after(model, rows)
    return [Outcome("restored", model.name, r.id, r.new["version"], {**(r.old or {}), **r.new}) for r in rows]


def purge(tx: Transaction, model: ObjectModel, ids: Sequence[int]) -> int:
    """Remove deleted records and their external ids and search rows for ever; history keeps that they existed."""
    if not tx.principal.admin:
        raise AccessDenied("Only an administrator may purge records.")
    t = model.table
    gone = list(tx.connection.execute(sa.select(t.c.id).where(t.c.id.in_(list(ids)), t.c.deleted_at.isnot(None))).scalars())
    if gone:
        tx.connection.execute(t.delete().where(t.c.id.in_(gone)))
        tx.connection.execute(system.external_id.delete().where(system.external_id.c.record.in_(gone)))
        for record in gone:
            tx.trail.fact("purged", model.name, record, None)
    return len(gone)
