"""Taking a step back: each record gets the values from before, but for what somebody changed since.

Deleted records come back from the recycle bin. The writes are ordinary ones, with their rights and rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.jobs.asking import asked_by
from trellis.mass import steps
from trellis.mass.change import DELETE, BadMassChange, MassChange
from trellis.mass.steps import Step, step_of
from trellis.model import FieldModel, ObjectModel
from trellis.record_id import format_id
from trellis.storage import system
from trellis.transaction import Transaction
from trellis.transaction.statements import statements_of
from trellis.transaction.transaction import PARTIAL

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_C = system.change.c
_CHANGED = {"code": "changed_since", "message": "Somebody changed it since; it was left as it is."}


def undo(tenant: Tenant, principal: Principal, step: int) -> Step:
    """Take one of the principal's steps back; the worker does it when it has many records.

    Raises :class:`NotFound`, and :class:`BadMassChange` when it is not done yet or was taken back.
    """
    with tenant.database.reading() as connection:
        found = step_of(connection, principal, step)

    def body(tx: Transaction) -> None:
        if not steps.move(tx.connection, step, steps.FINISHED, steps.UNDOING):
            raise BadMassChange("This change is still running, or was taken back already.")
        if found.total <= steps.AT_ONCE:
            undo_chunk(tx, step, found.change, steps.AT_ONCE)
            steps.move(tx.connection, step, steps.UNDOING, steps.TAKEN_BACK)
        else:
            tx.trail.enqueue(steps.TOPIC, {"step": step, "undo": True, **asked_by(principal)})

    tenant.run(principal, Cause("mass"), body)
    with tenant.database.reading() as connection:
        return step_of(connection, principal, step)


def undo_chunk(tx: Transaction, step: int, change: MassChange, limit: int) -> int:
    """Take back what the step did to its next records; return how many there were."""
    rows = steps.next_rows(tx.connection, step, steps.DONE, limit)
    if not rows:
        return 0
    root = tx.model.object(change.object)
    problems = _restore(tx, root, [i for i, _ in rows]) if change.action == DELETE else _rewrite(tx, root, rows)
    numbers = dict(rows)
    steps.mark(
        tx.connection,
        step,
        [
            {
                "record": i,
                "state": steps.KEPT if i in problems else steps.UNDONE,
                "change": numbers[i],
                "problem": problems.get(i),
            }
            for i in numbers
        ],
    )
    return len(rows)


def _restore(tx: Transaction, root: ObjectModel, ids: Sequence[int]) -> dict[int, Any]:
    stored = statements_of(root).fetch(tx.connection, list(ids))
    gone = [i for i in ids if i in stored and stored[i]["deleted_at"] is not None]
    if gone:
        tx.restore(root.name, gone)
    return {i: {"_record": [_CHANGED]} for i in ids if i not in gone}


def _rewrite(tx: Transaction, root: ObjectModel, rows: Sequence[tuple[int, int | None]]) -> dict[int, Any]:
    """Write the old values of records; return the problems by record."""
    query = sa.select(_C.record, _C["values"]).where(_C.id.in_([c for _, c in rows if c is not None]))
    made: dict[int, Mapping[str, Any]] = {row[0]: row[1] or {} for row in tx.connection.execute(query)}
    stored = statements_of(root).fetch(tx.connection, [i for i, _ in rows])
    problems: dict[int, Any] = {}
    wanted = []
    for record, _ in rows:
        old, changed = _old_values(root, made.get(record, {}), stored.get(record))
        if changed or not old:
            problems[record] = {name: [_CHANGED] for name in changed or ("_record",)}
        if old:
            wanted.append({"id": format_id(root.name, record), **old})
    for outcome in tx.update(root.name, wanted, mode=PARTIAL) if wanted else ():
        if outcome.errors and outcome.id is not None:
            problems[outcome.id] = outcome.errors
    return problems


def _old_values(
    root: ObjectModel, values: Mapping[str, Any], stored: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[str]]:
    """Return what to write again, and the fields whose value is no longer the one that the step left."""
    old: dict[str, Any] = {}
    changed = []
    if stored is None or stored["deleted_at"] is not None:
        return {}, ["_record"]
    for name, (before, after) in values.items():
        field = root.field(name)
        if field is None or not field.writable or field.doc["type"] == "secret":
            continue
        now = stored.get(name)
        if _plain(field, now) == after:
            old[name] = before
        else:
            changed.append(name)
    return old, changed


def _plain(field: FieldModel, value: Any) -> Any:
    """Return a stored value as the history writes it."""
    if value is None:
        return None
    found = value if field.codec.to_json is None else field.codec.to_json(value)
    return found if isinstance(found, str | int | float | bool | list | dict) else str(found)
