"""The tables of a tenant with their types, also columns and tables that the metadata no longer shows.

Types of columns come from the catalogue's signatures, not from the database: they are the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.exchange.errors import BadArchive
from trellis.publishing import catalogue
from trellis.storage import system
from trellis.storage.physical import SYSTEM_COLUMNS, Storage
from trellis.storage.types import ScaledDecimal, UtcDateTime, json_column, text_column

_SIMPLE: dict[str, Callable[[], Any]] = {
    "text": text_column,
    "joinedtext": text_column,
    "biginteger": sa.BigInteger,
    "integer": sa.Integer,
    "smallinteger": sa.SmallInteger,
    "boolean": sa.Boolean,
    "date": sa.Date,
    "time": sa.Time,
    "utcdatetime": UtcDateTime,
    "json": json_column,
    "float": sa.Float,
}


def type_of(signature: str) -> Any:
    """Return the column type that a signature such as ``scaleddecimal(2)`` names. Raises :class:`BadArchive`."""
    name, _, scale = signature.rstrip(")").partition("(")
    if name == "scaleddecimal":
        return ScaledDecimal(18, int(scale))
    if name not in _SIMPLE:
        raise BadArchive(f"Columns of type '{signature[:40]}' cannot be archived.")
    return _SIMPLE[name]()


def object_table(storage: Storage) -> sa.Table:
    """Return the table of a catalogue entry with every column it ever had."""
    columns = [sa.Column(name, kind, primary_key=name == "id", autoincrement=False) for name, kind in SYSTEM_COLUMNS]
    # JSONB keeps no order of keys: sorted, so that both databases give the same table.
    for base, signature in sorted(storage.used.items()):
        for part in signature.split(","):
            suffix, _, kind = part.partition(":")
            columns.append(sa.Column(f"{base}__{suffix}" if suffix else base, type_of(kind)))
    return sa.Table(storage.table, sa.MetaData(), *columns)


def all_tables(connection: Connection) -> list[sa.Table]:
    """Return the platform's tables, then those of all objects, archived ones included."""
    entries = catalogue.read(connection)
    return [*system.metadata.sorted_tables, *(object_table(entries[name]) for name in sorted(entries))]


def to_plain(value: Any) -> Any:
    """Return a value as JSON."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def reader_of(kind: Any) -> Callable[[Any], Any] | None:
    """Return the function from JSON to a value of a column type; None where the value itself will do."""
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat
    if isinstance(kind, ScaledDecimal):
        return Decimal
    for known, read in (
        (sa.DateTime, datetime.fromisoformat),
        (sa.Date, date.fromisoformat),
        (sa.Time, time.fromisoformat),
    ):
        if isinstance(kind, known):
            return read
    return None
