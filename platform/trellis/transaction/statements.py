"""The statements of an object, built once per model: rebuilding a select or insert costs ten times its execution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import FieldModel, ObjectModel
from trellis.publishing.filling import fold
from trellis.storage.physical import FOLD
from trellis.storage.prepared import Prepared

ID_CHUNK = 500


class Statements:
    """Insert, select-by-id and update of one object, with the closures between values and columns."""

    def __init__(self, model: ObjectModel) -> None:
        self.model = model
        t = model.table
        self.insert = Prepared.insert(t)
        self.fields: tuple[FieldModel, ...] = tuple(f for f in (*model.all_fields, *model.hidden.values()) if f.columns)
        columns = [t.c.id, *(c for f in self.fields for c in f.columns), t.c.deleted_in]
        self._select = sa.select(*columns).where(t.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(t.c.id)
        self._select_one = sa.select(*columns).where(t.c.id == sa.bindparam("one"))
        self._locked = self._select.with_for_update()
        self._locked_one = self._select_one.with_for_update()
        self._slices = _slices(self.fields)
        self._folds = {name: model.storage.places[FOLD + name].column for name in model.folded}
        self._updates: dict[tuple[str, ...], Any] = {}
        self._encoders = {
            f.name: (tuple(c.name for c in f.columns), f.codec.to_columns, self._folds.get(f.name)) for f in self.fields
        }
        self._blank = dict.fromkeys(c.name for c in t.c)

    def fetch(self, connection: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, dict[str, Any]]:
        """Return the values of the records that exist (deleted ones included), by id."""
        found: dict[int, dict[str, Any]] = {}
        if len(ids) == 1:
            rows: Iterable[Any] = connection.execute(
                self._locked_one if lock else self._select_one, {"one": ids[0]}
            ).all()
            return {row[0]: self._decode(row) for row in rows}
        ordered = sorted(ids)
        for start in range(0, len(ordered), ID_CHUNK):
            rows = connection.execute(
                self._locked if lock else self._select, {"ids": ordered[start : start + ID_CHUNK]}
            ).all()
            found.update((row[0], self._decode(row)) for row in rows)
        return found

    def _decode(self, row: Sequence[Any]) -> dict[str, Any]:
        values = {"id": row[0], "deleted_in": row[-1]}
        for name, start, stop, decode in self._slices:
            values[name] = row[start] if decode is None else decode(tuple(row[start:stop]))
        return values

    def params(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return column values for the given field values; unknown names are physical system columns."""
        out: dict[str, Any] = {}
        encoders = self._encoders
        for name, value in values.items():
            encoder = encoders.get(name)
            if encoder is None:
                out[name] = value
                continue
            columns, to_columns, shadow = encoder
            if value is None:
                for column in columns:
                    out[column] = None
            elif to_columns is None:
                out[columns[0]] = value
            else:
                for column, part in zip(columns, to_columns(value), strict=True):
                    out[column] = part
            if shadow is not None:
                out[shadow] = fold(value)
        return out

    def insert_params(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of the prebuilt insert: every column, so that one statement text serves all rows."""
        return {**self._blank, **self.params(values)}

    def update(self, connection: Connection, changes: Sequence[tuple[int, int, Mapping[str, Any]]]) -> int:
        """Write ``(id, version before, new values)`` with a version check; return how many rows matched."""
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for record, version, values in changes:
            params = self.params(values)
            names = tuple(sorted(params))
            groups.setdefault(names, []).append(
                {"b_id": record, "b_version": version, **{f"v_{n}": params[n] for n in names}}
            )
        matched = 0
        for names, batch in groups.items():
            statement = self._updates.get(names)
            if statement is None:
                t = self.model.table
                statement = (
                    t.update()
                    .where(t.c.id == sa.bindparam("b_id"), t.c.version == sa.bindparam("b_version"))
                    .values({t.c[n]: sa.bindparam(f"v_{n}", type_=t.c[n].type) for n in names})
                )
                self._updates[names] = statement
            matched += connection.execute(statement, batch if len(batch) > 1 else batch[0]).rowcount
        return matched


def _slices(fields: Sequence[FieldModel]) -> list[tuple[str, int, int, Callable[[tuple[Any, ...]], Any] | None]]:
    slices: list[tuple[str, int, int, Callable[[tuple[Any, ...]], Any] | None]] = []
    position = 1
    for field in fields:
        width = len(field.columns)
        decode = None if width == 1 and field.codec.from_columns is None else field.decode
        slices.append((field.name, position, position + width, decode))
        position += width
    return slices


def statements_of(model: ObjectModel) -> Statements:
    """Return the object's statements, building them at the first call."""
    found = model.__dict__.get("_statements")
    if found is None:
        found = model.__dict__["_statements"] = Statements(model)
    return found
