"""Fills new columns from what records hold, in batches, while readers and writers go on with the old definition."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.fields.base import InvalidValue
from trellis.model import FieldModel, ObjectModel
from trellis.publishing.expansion import Fill
from trellis.storage.physical import FOLD

BATCH_ROWS = 2000


def fold(text: str | None) -> str | None:
    """Return the form of a text that unique keys compare: NFKC, case-folded."""
    return None if text is None else unicodedata.normalize("NFKC", text).casefold()


def convert(old: FieldModel, new: FieldModel) -> Callable[[Any], Any]:
    """Return a function from an old field's value to the new field's, by way of the text form.

    The function raises :class:`InvalidValue` for a value that the new field cannot take.
    """
    to_text = old.codec.to_text or str
    from_text = new.codec.from_text or new.codec.parse

    def change(value: Any) -> Any:
        text = to_text(value)
        return None if text == "" else from_text(text)

    return change


def fill_rows(
    connection: Connection, old: ObjectModel, new: ObjectModel, fills: Sequence[Fill], ids: Sequence[int]
) -> int:
    """Compute the new columns of the records ``ids``. Returns how many values could not be converted (they become blank)."""
    lost = 0
    for fill in fills:
        if fill.target.startswith(FOLD):
            source = new.fields[fill.source]
            target = [new.table.c[new.storage.places[fill.target].column]]
            change: Callable[[Any], Any] = fold
            encode: Callable[[Any], tuple[Any, ...]] = lambda v: (v,)  # noqa: E731
            columns, table = list(source.columns), new.table
            decode = source.decode
        else:
            before, after = old.fields[fill.source], new.fields[fill.target]
            change, encode, decode = convert(before, after), after.encode, before.decode
            columns, target, table = list(before.columns), list(after.columns), old.table
        rows = connection.execute(sa.select(table.c.id, *columns).where(table.c.id.in_(ids)).order_by(table.c.id)).all()
        kept = _kept(connection, old.fields[fill.source], new, fill.target, ids) if fill.restores else {}
        updates = []
        for row in rows:
            value = decode(tuple(row[1:]))
            if row[0] in kept and kept[row[0]][0] == value:
                result = kept[row[0]][1]
            else:
                result, failed = _changed(change, value)
                lost += failed
            updates.append({"row_id": row[0], **{f"v{i}": v for i, v in enumerate(encode(result))}})
        if updates:
            statement = (
                new.table.update()
                .where(new.table.c.id == sa.bindparam("row_id"))
                .values({c: sa.bindparam(f"v{i}") for i, c in enumerate(target)})
            )
            connection.execute(statement, updates)
    return lost


def _changed(change: Callable[[Any], Any], value: Any) -> tuple[Any, bool]:
    try:
        return (None if value is None else change(value)), False
    except InvalidValue:
        return None, True


def _kept(
    connection: Connection, current: FieldModel, new: ObjectModel, target: str, ids: Sequence[int]
) -> dict[int, tuple[Any, Any]]:
    """Return, by record, what the column held before the change that is undone: as the changed field reads it, and itself."""
    before = new.fields[target]
    forward = convert(before, current)
    query = sa.select(new.table.c.id, *before.columns).where(new.table.c.id.in_(ids), before.column.isnot(None))
    values = {row[0]: before.decode(tuple(row[1:])) for row in connection.execute(query).all()}
    return {record: (_changed(forward, value)[0], value) for record, value in values.items()}


def next_ids(connection: Connection, model: ObjectModel, after: int) -> list[int]:
    """Return the ids of the next batch of records, deleted ones included."""
    query = sa.select(model.table.c.id).where(model.table.c.id > after).order_by(model.table.c.id).limit(BATCH_ROWS)
    return list(connection.execute(query).scalars())
