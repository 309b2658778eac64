"""Unique keys: conflicts are found for the whole batch before anything is written, so that all of them can be named.

The partial unique indexes are the last guard: a writer that slips between check and insert on PostgreSQL makes the whole
transaction run again, and then the check names the conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.model import ObjectModel, UniqueKey
from trellis.publishing.filling import fold
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


def check_unique(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Refuse rows whose key another live record or an earlier row of the batch has."""
    for key in model.unique_keys:
        touched = [r for r in rows if not r.errors and (r.old is None or any(n in r.new for n in key.fields))]
        keys = [(row, value) for row in touched if (value := _key_of(model, key, row)) is not None]
        if keys:
            _check_key(tx, model, key, keys)


def _key_of(model: ObjectModel, key: UniqueKey, row: Row) -> tuple[Any, ...] | None:
    """Return what the index compares, or None when a part is blank (blank keys never clash)."""
    parts = []
    for name in key.fields:
        value = row.value(name)
        field = model.field(name)
        assert field is not None
        main = fold(value) if name in model.folded else field.encode(value)[0]
        if main is None:
            return None
        parts.append(main)
    return tuple(parts)


def _check_key(tx: Transaction, model: ObjectModel, key: UniqueKey, keys: list[tuple[Row, tuple[Any, ...]]]) -> None:
    columns = [model.key_column(n) for n in key.fields]
    t = model.table
    taken: dict[tuple[Any, ...], int] = {}
    values = sorted({v for _, v in keys}, key=repr)
    for start in range(0, len(values), 300):
        chunk = values[start : start + 300]
        condition = columns[0].in_([v[0] for v in chunk]) if len(columns) == 1 else sa.tuple_(*columns).in_(chunk)
        query = sa.select(t.c.id, *columns).where(condition, t.c.deleted_at.is_(None))
        taken.update({_plain(tuple(row[1:]), model, key): row[0] for row in tx.connection.execute(query)})
    for row, value in keys:
        holder = taken.get(value)
        if holder is not None and holder != row.id:
            _refuse(row, key)
        else:
            taken[value] = row.id if row.id is not None else -1 - row.index


def _plain(values: tuple[Any, ...], model: ObjectModel, key: UniqueKey) -> tuple[Any, ...]:
    return values


def _refuse(row: Row, key: UniqueKey) -> None:
    names = ", ".join(f"'{n}'" for n in key.fields)
    for name in key.fields:
        row.refuse(name, "not_unique", f"Another record has the same value of {names}.")
