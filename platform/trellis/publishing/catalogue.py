"""Reads and writes the catalogue of physical tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system
from trellis.storage.physical import Place, Storage

_C = system.catalogue.c
_GONE = "-"
"""Marks the places of removed fields; no field name begins with it."""


def read(connection: Connection, names: Collection[str] | None = None) -> dict[str, Storage]:
    """Return the entries of ``names`` (None: all) by object."""
    query = sa.select(_C.object, _C.table_name, _C.fields, _C.used, _C.indexes, _C.generation)
    if names is not None:
        query = query.where(_C.object.in_(sorted(names)))
    return {row[0]: _storage(row) for row in connection.execute(query).all()}


def table_names(connection: Connection) -> set[str]:
    """Return every table name ever given."""
    return set(connection.execute(sa.select(_C.table_name)).scalars())


def write(connection: Connection, storage: Storage) -> None:
    """Insert or replace one entry."""
    values: dict[str, Any] = {
        "table_name": storage.table,
        "fields": _places(storage),
        "used": dict(storage.used),
        "indexes": dict(storage.indexes),
        "generation": storage.generation,
    }
    done = connection.execute(system.catalogue.update().where(_C.object == storage.object).values(values))
    if not done.rowcount:
        connection.execute(system.catalogue.insert(), {"object": storage.object, **values})


def _places(storage: Storage) -> dict[str, list[str]]:
    found = {n: [p.column, p.signature] for n, p in storage.places.items()}
    return found | {_GONE + n: [p.column, p.signature] for n, p in storage.removed.items()}


def _storage(row: Any) -> Storage:
    name, table, fields, used, indexes, generation = row
    places = {n: Place(*p) for n, p in fields.items() if not n.startswith(_GONE)}
    removed = {n[1:]: Place(*p) for n, p in fields.items() if n.startswith(_GONE)}
    return Storage(name, table, places, used, indexes, generation, removed)
