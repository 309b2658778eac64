"""The indexes of an object: which ones its document calls for, and what that changes.

A name ``ix_<table>_<number>`` is given once and remembered in the catalogue. On PostgreSQL the index of a large table is built
without locking anybody out, before the change becomes visible (:mod:`trellis.publishing.online`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import ObjectModel
from trellis.storage import physical
from trellis_metadata.errors import TrellisError

_UNIQUE = "unique:"


class DuplicateValues(TrellisError):
    """Records share a value of a key that the change makes unique."""

    code = "duplicate_values"


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index that is missing. ``purpose`` says what it serves, such as ``unique:email`` or ``lookup:account``."""

    purpose: str
    name: str
    table: sa.Table
    columns: tuple[sa.Column[Any], ...]

    @property
    def unique(self) -> bool:
        """Whether it guards a key."""
        return self.purpose.startswith(_UNIQUE)

    @property
    def where(self) -> sa.ColumnElement[bool]:
        """Which rows are in it: a key ignores deleted records, others leave out what is blank."""
        return self.table.c.deleted_at.is_(None) if self.unique else self.columns[0].isnot(None)

    @property
    def entry(self) -> str:
        """What the catalogue remembers: the name and the columns."""
        return f"{self.name}|{','.join(c.name for c in self.columns)}"

    def create(self, connection: Connection, *, online: bool = False) -> None:
        """Build it. Raises :class:`DuplicateValues`."""
        try:
            physical.create_index(
                connection,
                self.name,
                self.table,
                list(self.columns),
                unique=self.unique,
                where=self.where,
                online=online,
            )
        except sa.exc.IntegrityError:
            raise DuplicateValues(
                f"Records share a value of the unique key '{self.purpose[len(_UNIQUE) :]}' "
                f"(table '{self.table.name}'). Resolve them first.",
                key=self.purpose[len(_UNIQUE) :],
            ) from None


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What a new version of an object means for its indexes. ``kept`` is part of the catalogue's entry."""

    kept: Mapping[str, str]
    dropped: tuple[str, ...]
    added: tuple[NewIndex, ...]


def compare(model: ObjectModel) -> IndexChange:
    """Compare the indexes that the catalogue names with those that the object's document calls for."""
    have, wanted = dict(model.storage.indexes), wanted_indexes(model)
    kept: dict[str, str] = {}
    dropped: list[str] = []
    for purpose, entry in have.items():
        name, columns = entry.split("|", 1)
        if purpose in wanted and ",".join(c.name for c in wanted[purpose]) == columns:
            kept[purpose] = entry
        else:
            dropped.append(name)
    numbers = {int(entry.split("|")[0].rsplit("_", 1)[1]) for entry in have.values()}
    added: list[NewIndex] = []
    for purpose in (p for p in wanted if p not in kept):
        number = next(n for n in range(1, len(numbers) + 2) if n not in numbers)
        numbers.add(number)
        added.append(NewIndex(purpose, f"ix_{model.table.name[:48]}_{number}", model.table, tuple(wanted[purpose])))
    return IndexChange(kept, tuple(dropped), tuple(added))


def sync(connection: Connection, model: ObjectModel, built: Collection[str] = ()) -> dict[str, str]:
    """Create missing indexes, drop those that nothing asks for; return the catalogue's new entry.

    ``built`` names the indexes that were made before, online. Raises :class:`DuplicateValues`.
    """
    change = compare(model)
    for name in change.dropped:
        physical.drop_index(connection, name)
    for index in change.added:
        if index.name not in built:
            # A change that was given up may have left one of that name behind, on other columns.
            physical.drop_index(connection, index.name)
            index.create(connection)
    return {**change.kept, **{i.purpose: i.entry for i in change.added}}


def wanted_indexes(model: ObjectModel) -> dict[str, list[sa.Column[Any]]]:
    """Return the columns of every index that the object's document calls for, by purpose."""
    wanted: dict[str, list[sa.Column[Any]]] = {}
    for key in model.unique_keys:
        wanted[f"{_UNIQUE}{key.name}"] = [model.key_column(n) for n in key.fields]
    for f in model.fields.values():
        if f.category == "reference" and f.columns:
            wanted[f"lookup:{f.name}"] = [f.column, model.table.c.id]
        elif f.doc.get("indexed") and f.columns:
            wanted[f"indexed:{f.name}"] = [f.column, model.table.c.id]
    for shadow in model.shadows.values():
        wanted[f"indexed:{shadow.name}"] = [shadow.column, model.table.c.id]
    for index in model.doc.get("indexes", ()):
        fields = [model.field(n) for n in index["fields"]]
        wanted[f"index:{index['name']}"] = [f.column for f in fields if f is not None]
    return wanted
