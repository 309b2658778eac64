"""Lookup integrity: what a record points at must exist, be alive, be of an allowed object, and be visible to the writer."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import rights
from trellis.model import ObjectModel
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def check_references(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Refuse references to records that do not exist. One query per target object, whatever the number of rows.

    On PostgreSQL the parents are locked ``FOR KEY SHARE``, so that they cannot vanish before the commit.
    """
    wanted = _wanted(model, rows)
    for target, ids in wanted.items():
        alive = _alive(tx, target, ids)
        for row in rows:
            for name, value in row.new.items():
                if getattr(value, "object", None) == target and value.id not in alive:
                    row.refuse(name, "bad_reference", f"There is no {target} with the id '{tx.model.env.format_id(target, value.id)}'.")


def _wanted(model: ObjectModel, rows: Sequence[Row]) -> dict[str, set[int]]:
    names = [f.name for f in model.all_fields if f.category == "reference"]
    wanted: dict[str, set[int]] = {}
    for row in rows:
        for name in names:
            value = row.new.get(name)
            if value is not None and (row.old is None or row.old.get(name) != value):
                wanted.setdefault(value.object, set()).add(value.id)
    return wanted


def _alive(tx: Transaction, target: str, ids: set[int]) -> set[int]:
    known = tx.seen_alive.setdefault(target, set())
    missing = sorted(ids - known)
    parent = tx.model.object(target)
    t = parent.table
    allowed = rights(tx.principal, parent.doc)
    for start in range(0, len(missing), 500):
        query = sa.select(t.c.id).where(t.c.id.in_(missing[start:start + 500]), t.c.deleted_at.is_(None))
        if allowed.read == "none":
            break
        if allowed.read == "own":
            query = query.where(t.c.owner == tx.principal.user)
        if not tx.database.is_sqlite:
            query = query.with_for_update(key_share=True, read=True)
        known.update(tx.connection.execute(query.order_by(t.c.id)).scalars())
    return known


def reference_id(value: Any) -> int | None:
    """Return the record number of a reference value, or None."""
    return None if value is None else int(value.id)
