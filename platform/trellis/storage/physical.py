"""Where objects live physically: the catalogue of tables and columns, and the add-only DDL that follows the metadata.

Names are given once. A rename of a field moves only its entry; a type change gets a new column; a removed field and the old
form of a changed one keep their columns, remembered under ``removed``, so that an undo finds the data again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from trellis.storage.types import UtcDateTime, text_column

if TYPE_CHECKING:
    from trellis.fields import Column

SYSTEM_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
    ("owner", sa.BigInteger()),
    ("record_type", text_column(40)),
    ("created_at", UtcDateTime()),
    ("created_by", sa.BigInteger()),
    ("modified_at", UtcDateTime()),
    ("modified_by", sa.BigInteger()),
    ("version", sa.Integer()),
    ("deleted_at", UtcDateTime()),
    ("deleted_in", sa.BigInteger()),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one field is stored: the base name of its columns and the signature of their types."""

    column: str
    signature: str

    def names(self, columns: tuple[Column, ...]) -> list[str]:
        """Return the physical name of each column of the field."""
        return [f"{self.column}__{c.suffix}" if c.suffix else self.column for c in columns]


@dataclass(frozen=True)
class Storage:
    """The catalogue entry of one object."""

    object: str
    table: str
    places: Mapping[str, Place]
    used: Mapping[str, str]
    """Every physical column base name ever given in this table, with its signature."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """Physical index name by what it serves, such as ``unique:email`` or ``lookup:account``."""
    generation: int = 1
    removed: Mapping[str, Place] = field(default_factory=dict)
    """Where each field was that is no more or has another place now: the last place by field name."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What giving places to fields came to. ``fresh`` needs new columns; ``revived`` has columns that were there before."""

    storage: Storage
    fresh: Mapping[str, Place]
    revived: Mapping[str, Place]


def signature(columns: tuple[Column, ...]) -> str:
    """Describe the physical form of a field, so that a change of it is noticed."""
    return ",".join(f"{c.suffix}:{type_signature(c.type)}" for c in columns)


def type_signature(kind: sa.types.TypeEngine[Any]) -> str:
    """Name a column type. Lengths of text do not count: text has no physical limit that metadata must follow."""
    name = type(kind).__name__.lower()
    if name in ("string", "text"):
        return "text"
    scale = getattr(kind, "scale", None)
    return f"{name}({scale})" if scale is not None else name


def place_fields(
    storage: Storage,
    wanted: Mapping[str, tuple[Column, ...]],
    *,
    renamed: Mapping[str, str] | None = None,
    changed: Collection[str] = (),
    revive: bool = False,
) -> Placement:
    """Give every wanted field a place.

    ``renamed`` maps old to new names: such a field keeps its columns. Fields in ``changed`` mean something else than before,
    so that they get another place even where the columns look alike. With ``revive`` (an undo) a field gets its earlier
    columns back, data included; otherwise a new field never sees what an earlier one of its name held.
    """
    places, used, removed = dict(storage.places), dict(storage.used), dict(storage.removed)
    fresh: dict[str, Place] = {}
    revived: dict[str, Place] = {}
    old_names = {new: old for old, new in (renamed or {}).items() if old in places and new in wanted}
    for new, old in old_names.items():
        places[new] = places.pop(old)
    for name in [n for n in places if n not in wanted]:
        removed[name] = places.pop(name)
    for name, columns in wanted.items():
        sign = signature(columns)
        place = places.get(name)
        if place is not None and place.signature == sign and name not in changed:
            continue
        if place is not None:
            removed[name] = place
        earlier = storage.removed.get(name) or storage.removed.get(old_names.get(name, ""))
        # A shadow is computed again: it did not follow its field while it was away.
        if revive and earlier is not None and earlier.signature == sign and not name.startswith((FOLD, SHADOW)):
            places[name] = revived[name] = earlier
            continue
        base = base_name(name)
        column = next(c for n in range(1, len(used) + 2) if (c := base if n == 1 else f"{base}_v{n}") not in used)
        places[name] = fresh[name] = Place(column, sign)
        used[column] = sign
    return Placement(replace(storage, places=places, used=used, removed=removed), fresh, revived)


FOLD = "fold:"
SHADOW = "formula:"
"""Before the name of a formula field: its stored copy, for the index."""


def base_name(field_name: str) -> str:
    """Return the first choice of column for a field, or for a shadow of one (``fold:email``, ``formula:margin``)."""
    if field_name.startswith(FOLD):
        return f"k_{field_name[len(FOLD) :]}"
    return f"x_{field_name[len(SHADOW) :]}" if field_name.startswith(SHADOW) else f"f_{field_name}"


def new_storage(object_name: str, taken: set[str]) -> Storage:
    """Start the catalogue entry of a new object, under a table name that was never used."""
    table = f"o_{object_name}"
    number = 2
    while table in taken:
        table = f"o_{object_name}_v{number}"
        number += 1
    return Storage(object_name, table, {}, {})


def build_table(storage: Storage, fields: Mapping[str, tuple[Column, ...]]) -> sa.Table:
    """Return the SQLAlchemy table of an object with its system columns and the columns of ``fields``."""
    columns = [sa.Column(name, kind, primary_key=name == "id", autoincrement=False) for name, kind in SYSTEM_COLUMNS]
    for name, kinds in fields.items():
        for physical, column in zip(storage.places[name].names(kinds), kinds, strict=True):
            columns.append(sa.Column(physical, column.type))
    return sa.Table(storage.table, sa.MetaData(), *columns)


def create_table(connection: Connection, table: sa.Table) -> None:
    """Make the table with the indexes that every object has."""
    connection.execute(CreateTable(table))
    for suffix, names in (("mod", ("modified_at", "id")), ("own", ("owner", "modified_at", "id"))):
        create_index(connection, f"ix_{table.name}_{suffix}"[:63], table, [table.c[n] for n in names])


def add_columns(connection: Connection, table_name: str, columns: list[sa.Column[Any]]) -> None:
    """Add nullable columns: a change of the catalogue only, on both databases."""
    from alembic.migration import MigrationContext  # here: only publishing needs it, and every start would load it
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    for column in columns:
        operations.add_column(table_name, column)


def create_index(
    connection: Connection,
    name: str,
    table: sa.Table,
    columns: list[Any],
    *,
    unique: bool = False,
    where: Any = None,
    online: bool = False,
) -> None:
    """Make an index, partial if ``where`` is given, unless it exists.

    ``online`` (PostgreSQL, outside transactions): readers and writers go on meanwhile.
    """
    options: dict[str, Any] = {} if where is None else {"sqlite_where": where, "postgresql_where": where}
    if online:
        options["postgresql_concurrently"] = True
    index = sa.Index(name, *columns, unique=unique, **options)
    index._set_parent(table)
    connection.execute(CreateIndex(index, if_not_exists=True))
    table.indexes.discard(index)


def drop_index(connection: Connection, name: str, *, online: bool = False) -> None:
    """Remove an index if it exists. ``name`` is one that the catalogue gave; ``online`` as in :func:`create_index`."""
    quoted = connection.dialect.identifier_preparer.quote(name)
    connection.exec_driver_sql(f"DROP INDEX {'CONCURRENTLY ' if online else ''}IF EXISTS {quoted}")
