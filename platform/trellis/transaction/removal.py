"""Delete, restore and purge. Records that went together come back together.

Each record that a caller deletes takes the records with it that hang on it by rule ``cascade``; the number of the deletion
(``deleted_in``) ties them. Restoring any of them restores all of them; other records of the same batch stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import AccessDenied, rights
from trellis.access.shares import forget
from trellis.access.writing import Reached, reached
from trellis.model import ObjectModel, Reference
from trellis.ripples.together import together
from trellis.storage import system
from trellis.transaction import steps
from trellis.transaction.attempt import attempt
from trellis.transaction.errors import NotFound, RecordsInvalid, RippleRefused, VersionConflict
from trellis.transaction.outcome import Outcome
from trellis.transaction.row import Row
from trellis.transaction.statements import ID_CHUNK, statements_of
from trellis.transaction.uniqueness import check_unique

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

MAX_DEPTH = 20


@dataclass(slots=True)
class _Doomed:
    """What one deletion takes along: by object the rows, by row its depth and the row that the caller named."""

    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    roots: dict[tuple[str, int], Row] = field(default_factory=dict)

    def add(self, name: str, row: Row, root: Row) -> bool:
        """Note a row; False if it was known."""
        assert row.id is not None
        if (name, row.id) in self.roots:
            return False
        self.rows.setdefault(name, {})[row.id] = row
        self.roots[name, row.id] = root
        return True


def delete(
    tx: Transaction, model: ObjectModel, ids: Sequence[int], mode: str, versions: Mapping[int, int]
) -> list[Outcome]:
    """Soft-delete records with what hangs on them. A record is refused if one that stays points at it, or at something that
    would go with it, by rule ``restrict``."""
    ids = list(dict.fromkeys(ids))
    stored = statements_of(model).fetch(tx.connection, ids, lock=not tx.database.is_sqlite)
    allowed = reached(tx, model, ids)
    rows = [
        _judge(tx, model, i, record, stored.get(record), versions, allowed, alone=len(ids) == 1)
        for i, record in enumerate(ids)
    ]
    steps.run(tx.tenant.steps.before_delete, tx, model, rows)
    while not _went(tx, model, rows, partial=mode == "partial"):
        pass
    steps.run(tx.tenant.steps.after_delete, tx, model, rows)
    return [
        Outcome(
            "refused" if r.errors else "deleted",
            model.name,
            r.id,
            None if r.errors else r.new.get("version"),
            errors=r.errors,
        )
        for r in rows
    ]


def _went(tx: Transaction, model: ObjectModel, rows: Sequence[Row], *, partial: bool) -> bool:
    """Delete the good rows with what hangs on them; False when some of them were refused only then, to try again."""
    doomed = _closure(tx, model, rows)
    # A refused row stays with all that hangs on it, and may thereby hold others back.
    while _refuse_restricted(tx, doomed) or _refuse_cascade(tx, doomed):
        doomed = _closure(tx, model, rows)
    if not partial and any(r.errors for r in rows):
        raise RecordsInvalid([r.errors or None for r in rows])
    good = [r for r in rows if not r.errors]
    try:
        with attempt(tx, tx.model.object_names, savepoint=partial), together(tx):
            _set_null(tx, doomed)
            _remove(tx, doomed, good)
    except RippleRefused as refused:
        for key, root in doomed.roots.items():
            root.errors = root.errors or doomed.rows[key[0]][key[1]].errors
        if not any(r.errors for r in good):
            raise
        if not partial:
            raise RecordsInvalid([r.errors or None for r in rows]) from refused
        return False
    return True


def _judge(
    tx: Transaction,
    model: ObjectModel,
    index: int,
    record: int,
    old: dict[str, Any] | None,
    versions: Mapping[int, int],
    allowed: Reached,
    *,
    alone: bool,
) -> Row:
    row = Row(index, record, old=old)
    if old is None or old["deleted_at"] is not None or not allowed.may_read(record):
        if alone:
            raise NotFound(f"There is no such record of '{model.name}'.")
        row.refuse("id", "not_found", f"There is no such record of '{model.name}'.")
    elif not rights(tx.principal, model.doc).delete or not allowed.may_edit(record):
        if alone:
            raise AccessDenied(f"You may not delete this record of '{model.name}'.")
        row.refuse("id", "access_denied", "You may not delete this record.")
    elif versions.get(record, old["version"]) != old["version"]:
        message = f"Somebody changed the record: it is at version {old['version']}, you sent {versions[record]}."
        if alone:
            raise VersionConflict(message, found=old["version"], sent=versions[record])
        row.refuse("version", "version_conflict", message)
    return row


def _closure(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> _Doomed:
    """Collect what the good rows take along by cascades, level by level, each record once, under lock."""
    doomed = _Doomed()
    good = [r for r in rows if not r.errors]
    level = {model.name: {r.id: r for r in good if r.id is not None and doomed.add(model.name, r, r)}}
    for depth in range(MAX_DEPTH + 2):
        if not level:
            return doomed
        if depth > MAX_DEPTH:
            break
        following: dict[str, dict[int, Row]] = {}
        for name, parents in level.items():
            for reference in tx.model.referrers.get(name, ()):
                if reference.on_delete == "cascade":
                    for row in _pointing(tx, reference, list(parents), name):
                        root = doomed.roots[name, (row.old or {})[reference.field].id]
                        if doomed.add(reference.source, row, root):
                            following.setdefault(reference.source, {})[row.id or 0] = row
        level = following
    raise RecordsInvalid(
        [{"_record": [{"code": "too_deep", "message": f"Deleting cascades through more than {MAX_DEPTH} levels."}]}]
    )


def _pointing(
    tx: Transaction, reference: Reference, ids: Sequence[int], parent: str, *, lock: bool = True
) -> list[Row]:
    """Return the live records that point at ``ids`` by ``reference``, as they are once they are locked."""
    child = tx.model.object(reference.source)
    column = child.fields[reference.field]
    found: list[int] = []
    for start in range(0, len(ids), ID_CHUNK):
        query = sa.select(child.table.c.id).where(
            column.column.in_(ids[start : start + ID_CHUNK]), child.table.c.deleted_at.is_(None)
        )
        if len(column.columns) > 1:
            query = query.where(column.columns[1] == parent)
        found.extend(tx.connection.execute(query).scalars())
    if not found:
        return []
    stored = statements_of(child).fetch(tx.connection, sorted(found), lock=lock and not tx.database.is_sqlite)
    wanted = set(ids)
    rows = [
        Row(i, record, old=old) for i, (record, old) in enumerate(sorted(stored.items())) if old["deleted_at"] is None
    ]
    return [r for r in rows if r.old and r.old[reference.field] is not None and r.old[reference.field].id in wanted]


def _refuse_restricted(tx: Transaction, doomed: _Doomed) -> bool:
    """Refuse roots of which something is held by a record that stays. Returns whether any was refused."""
    refused = False
    for name, rows in doomed.rows.items():
        for reference in tx.model.referrers.get(name, ()):
            if reference.on_delete != "restrict":
                continue
            holders: dict[int, list[int]] = {}
            for holder in _pointing(tx, reference, list(rows), name, lock=False):
                if (reference.source, holder.id) not in doomed.roots:
                    assert holder.old is not None
                    root = doomed.roots[name, holder.old[reference.field].id]
                    holders.setdefault(id(root), []).append(holder.id or 0)
            for root in {id(r): r for r in doomed.roots.values()}.values():
                if holders.get(id(root)):
                    refused = True
                    root.refuse("_record", "in_use", _held_by(tx, reference, holders[id(root)]))
    return refused


def _refuse_cascade(tx: Transaction, doomed: _Doomed) -> bool:
    """Let the parts of the platform refuse roots for what would go along. Returns whether any was refused."""
    return any([step(tx, doomed.rows, doomed.roots) for step in tx.tenant.steps.before_cascade])


def _held_by(tx: Transaction, reference: Reference, holders: Sequence[int]) -> str:
    """Say what holds a record, without telling of records that the principal may not see."""
    seen = reached(tx, tx.model.object(reference.source), holders)
    count = sum(seen.may_read(h) for h in holders)
    if not count:
        return "Records that you may not see point at it or at what it contains. Ask an administrator."
    return (
        f"{count} record(s) of '{reference.source}' point at it or at what it contains by '{reference.field}'. "
        "Delete or change them first."
    )


def _set_null(tx: Transaction, doomed: _Doomed) -> None:
    """Blank the references of records that stay: one write per record, whatever the number of its references."""
    blanked: dict[str, dict[int, Row]] = {}
    for name, rows in doomed.rows.items():
        for reference in tx.model.referrers.get(name, ()):
            if reference.on_delete == "set_null":
                for row in _pointing(tx, reference, list(rows), name):
                    if (reference.source, row.id) not in doomed.roots:
                        blanked.setdefault(reference.source, {}).setdefault(row.id or 0, row).new[reference.field] = (
                            None
                        )
    for name, found in blanked.items():
        child = tx.model.object(name)
        tx._update(child, list(found.values()))
        tx._after(child, list(found.values()))


def _remove(tx: Transaction, doomed: _Doomed, roots: Sequence[Row]) -> None:
    """Write the deletion, what hangs on others before what it hangs on."""
    last = _deletion_numbers(tx, len(roots))
    numbers = {id(root): last - position for position, root in enumerate(roots)}
    for name, rows in reversed(doomed.rows.items()):
        model, changes = tx.model.object(name), []
        for record, row in rows.items():
            assert row.old is not None
            number = numbers[id(doomed.roots[name, record])]
            row.new = {"deleted_at": tx.now, "deleted_in": number, "version": row.old["version"] + 1}
            row.changed = ("deleted_at",)
            changes.append((record, row.old["version"], row.new))
        if statements_of(model).update(tx.connection, changes) != len(changes):
            raise VersionConflict("Somebody changed a record in the meantime. Read it again and repeat the change.")
        for row in rows.values():
            tx.trail.record(model, row, "deleted", row.new["version"])
        tx.seen_alive.pop(name, None)
        tx._after(model, list(rows.values()))


def _deletion_numbers(tx: Transaction, count: int) -> int:
    """Take numbers for ``count`` deletions; return the last."""
    from trellis.transaction.defaults import take_numbers

    return take_numbers(tx, "deletion", count, 1)


def restore(tx: Transaction, model: ObjectModel, ids: Sequence[int]) -> list[Outcome]:
    """Bring records back with everything of the same deletion. Keys that were taken meanwhile refuse the whole."""
    stored = statements_of(model).fetch(tx.connection, list(ids), lock=not tx.database.is_sqlite)
    allowed = reached(tx, model, ids)
    numbers: set[int] = set()
    for record in ids:
        old = stored.get(record)
        if old is None or old["deleted_at"] is None or not allowed.may_read(record):
            raise NotFound(f"There is no such record of '{model.name}' in the recycle bin.")
        if not rights(tx.principal, model.doc).delete or not allowed.may_edit(record):
            raise AccessDenied("You may not restore this record.")
        numbers.add(old["deleted_in"])
    back: dict[str, list[Row]] = {}
    for name in tx.model.object_names:
        if name == model.name or _cascades(tx, name):
            _restore_object(tx, tx.model.object(name), numbers, back)
    _judge_above(tx, model, ids, back)
    _mend_references(tx, back)
    outcomes: list[Outcome] = []
    with together(tx):
        for name, rows in back.items():
            for row in rows:
                tx.trail.record(tx.model.object(name), row, "restored", row.new["version"])
            tx._after(tx.model.object(name), rows)
            seen = reached(tx, tx.model.object(name), [r.id or 0 for r in rows])
        outcomes.extend(
            Outcome("restored", name, r.id, r.new["version"], {**(r.old or {}), **r.new})
            for r in rows
            if seen.may_read(r.id or 0)
        )
    return outcomes


def _judge_above(tx: Transaction, model: ObjectModel, ids: Sequence[int], back: Mapping[str, Sequence[Row]]) -> None:
    """What the named records hung on comes back with them: refuse where the principal may not change that."""
    rows = {(name, row.id): row for name, found in back.items() for row in found}
    level: list[tuple[str, int | None]] = [(model.name, record) for record in ids]
    seen = set(level)
    while level:
        name, record = level.pop()
        old = rows[name, record].old or {}
        for reference in (r for refs in tx.model.referrers.values() for r in refs if r.source == name):
            value = old.get(reference.field) if reference.on_delete == "cascade" else None
            above = None if value is None else (value.object, value.id)
            if above not in rows or above in seen:
                continue
            found = rows[above].old or {}
            if found["deleted_in"] != old["deleted_in"]:
                continue
            if not reached(tx, tx.model.object(above[0]), [found["id"]]).may_edit(found["id"]):
                raise AccessDenied(
                    f"It was deleted together with a record of '{above[0]}' that you may not change. "
                    "Somebody who may has to restore that one."
                )
            seen.add(above)
            level.append(above)


def _cascades(tx: Transaction, name: str) -> bool:
    return any(r.source == name and r.on_delete == "cascade" for refs in tx.model.referrers.values() for r in refs)


def _restore_object(tx: Transaction, model: ObjectModel, numbers: set[int], back: dict[str, list[Row]]) -> None:
    t = model.table
    found = list(tx.connection.execute(sa.select(t.c.id).where(t.c.deleted_in.in_(numbers)).order_by(t.c.id)).scalars())
    stored = statements_of(model).fetch(tx.connection, found, lock=not tx.database.is_sqlite) if found else {}
    rows = [
        Row(i, record, old=stored[record]) for i, record in enumerate(found) if stored[record]["deleted_at"] is not None
    ]
    if not rows:
        return
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
    statements_of(model).update(tx.connection, changes)
    back[model.name] = rows


def _mend_references(tx: Transaction, back: Mapping[str, Sequence[Row]]) -> None:
    """What restored records point at may be gone by now: blank it where the delete rule is ``set_null``, else refuse."""
    for name, rows in back.items():
        model = tx.model.object(name)
        for reference in (r for refs in tx.model.referrers.values() for r in refs if r.source == name):
            pointing = [
                (row, row.old[reference.field]) for row in rows if row.old and row.old.get(reference.field) is not None
            ]
            alive = _live_ids(tx, {(value.object, value.id) for _, value in pointing})
            for row, value in pointing:
                if (value.object, value.id) in alive:
                    continue
                if reference.on_delete == "set_null":
                    row.new[reference.field] = None
                else:
                    row.refuse(
                        reference.field,
                        "bad_reference",
                        f"The {value.object} that it belongs to is deleted. Restore that first.",
                    )
        if any(r.errors for r in rows):
            raise RecordsInvalid([r.errors or None for r in rows])
        changes = []
        for row in rows:
            blanks: dict[str, Any] = {
                n: None for n, v in row.new.items() if v is None and model.fields.get(n) is not None
            }
            if blanks and row.id is not None:
                row.changed = (*row.changed, *blanks)
                changes.append((row.id, row.new["version"], blanks))
        if changes:
            statements_of(model).update(tx.connection, changes)


def _live_ids(tx: Transaction, wanted: set[tuple[str, int]]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for target in sorted({t for t, _ in wanted}):
        t = tx.model.object(target).table
        ids = sorted(i for name, i in wanted if name == target)
        for start in range(0, len(ids), ID_CHUNK):
            query = (
                sa.select(t.c.id)
                .where(t.c.id.in_(ids[start : start + ID_CHUNK]), t.c.deleted_at.is_(None))
                .order_by(t.c.id)
            )
            if not tx.database.is_sqlite:
                query = query.with_for_update(key_share=True, read=True)
            found.update((target, i) for i in tx.connection.execute(query).scalars())
    return found


def purge(tx: Transaction, model: ObjectModel, ids: Sequence[int]) -> int:
    """Remove deleted records and their external ids and search rows for ever; history keeps that they existed."""
    if not tx.principal.admin:
        raise AccessDenied("Only an administrator may purge records.")
    t = model.table
    gone = list(
        tx.connection.execute(sa.select(t.c.id).where(t.c.id.in_(list(ids)), t.c.deleted_at.isnot(None))).scalars()
    )
    if gone:
        tx.connection.execute(t.delete().where(t.c.id.in_(gone)))
        tx.connection.execute(system.external_id.delete().where(system.external_id.c.record.in_(gone)))
        forget(tx.connection, gone)
        for record in gone:
            tx.trail.fact("purged", model.name, record, None)
    return len(gone)
