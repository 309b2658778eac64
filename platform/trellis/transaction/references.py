"""Lookup integrity: what a record points at must exist, be alive, be of an allowed object, and be visible to the writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import rights
from trellis.access.decide import allowed_ids
from trellis.model import ObjectModel
from trellis.storage.prepared import Prepared
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


FEW = 4
"""So many ids fit the statement of a fixed form; fewer are padded by repetition."""
_FEW_NAMES = tuple(f"id_{i}" for i in range(FEW))


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
                    row.refuse(
                        name,
                        "bad_reference",
                        f"There is no {target} with the id '{tx.model.env.format_id(target, value.id)}'.",
                    )


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
    if not missing:
        return known
    parent = tx.model.object(target)
    allowed = rights(tx.principal, parent.doc)
    if allowed.read == "none":
        return known
    if allowed.read != "all":
        known.update(_alive_and_readable(tx, parent, missing))
        return known
    few, many = _alive_queries(parent)
    if len(missing) <= FEW:
        padded = (missing * FEW)[:FEW]
        known.update(few.run(tx.connection, dict(zip(_FEW_NAMES, padded, strict=True))).scalars())
        return known
    for start in range(0, len(missing), 500):
        known.update(tx.connection.execute(many, {"ids": missing[start : start + 500]}).scalars())
    return known


def _alive_and_readable(tx: Transaction, parent: ObjectModel, ids: Sequence[int]) -> set[int]:
    """Return those that are alive and that the writer may read, locked in the same way."""
    _, many = _alive_queries(parent)
    readable = sorted(allowed_ids(tx.connection, tx.principal, tx.model, parent, ids, "read"))
    found: set[int] = set()
    for start in range(0, len(readable), 500):
        found.update(tx.connection.execute(many, {"ids": readable[start : start + 500]}).scalars())
    return found


def _alive_queries(parent: ObjectModel) -> tuple[Any, Any]:
    """Return the prebuilt queries for :data:`FEW` and for many ids, that lock what they find on PostgreSQL."""
    key = "_alive"
    found = parent.__dict__.get(key)
    if found is None:
        t = parent.table
        base = sa.select(t.c.id).where(t.c.deleted_at.is_(None))
        # SQLite has no row locks and ignores the clause.
        base = base.with_for_update(key_share=True, read=True).order_by(t.c.id)
        few = base.where(t.c.id.in_([sa.bindparam(n, type_=t.c.id.type) for n in _FEW_NAMES]))
        found = Prepared(few), base.where(t.c.id.in_(sa.bindparam("ids", expanding=True)))
        parent.__dict__[key] = found
    return found[0], found[1]


def reference_id(value: Any) -> int | None:
    """Return the record number of a reference value, or None."""
    return None if value is None else int(value.id)
