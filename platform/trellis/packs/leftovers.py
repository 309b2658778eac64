"""What becomes of the records of a pack that is removed: they stay hidden, are written out, or go for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import DropTable

from trellis.access.principal import SYSTEM
from trellis.publishing import catalogue
from trellis.query import run_query
from trellis.query.query import read_query
from trellis.storage import system

if TYPE_CHECKING:
    from trellis.tenant import Tenant


@dataclass(frozen=True)
class Leftover:
    """An object that goes, or fields of one that stays, and the table of its records."""

    object: str
    table: str
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, tenant: Tenant, name: str, fields: tuple[str, ...] = ()) -> Leftover:
        """Return where the records of an object are; ``fields`` are those that go (none: the object itself goes)."""
        with tenant.database.reading() as connection:
            return cls(name, catalogue.read(connection, [name])[name].table, fields)

    def export(self, tenant: Tenant, folder: Path) -> int:
        """Write all records, one JSON object a line, to ``<folder>/<object>.ndjson``; return how many.

        Of an object that stays, only the ids and the fields that go are written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        count, cursor, more = 0, None, True
        with (folder / f"{self.object}.ndjson").open("w", encoding="utf-8", newline="\n") as stream:
            while more:
                query: dict[str, Any] = {"sort": ["id"], "limit": 1000, **({"cursor": cursor} if cursor else {})}
                if self.fields:
                    query["fields"] = ["id", *self.fields]
                with tenant.database.reading() as connection:
                    model = tenant.model_in(connection)
                    page = run_query(tenant, connection, model, SYSTEM, read_query(self.object, query))
                stream.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in page.rows)
                count, cursor, more = count + len(page.rows), page.cursor, page.cursor is not None
        return count


def dispose(tenant: Tenant, leftovers: Sequence[Leftover]) -> None:
    """Drop the tables of objects that are no more, with everything the platform kept about their records.

    Of objects that stay, the values of the fields that went are blanked.
    """
    _blank(tenant, [leftover for leftover in leftovers if leftover.fields])
    leftovers = [leftover for leftover in leftovers if not leftover.fields]
    names = [leftover.object for leftover in leftovers]
    if not names:
        return
    kept = (system.change, system.fact, system.external_id, system.search, system.file)
    with tenant.publishing_lock() as connection:
        for table in kept:
            connection.execute(table.delete().where(table.c.object.in_(names)))
        connection.execute(system.catalogue.delete().where(system.catalogue.c.object.in_(names)))
        for leftover in leftovers:
            connection.execute(DropTable(sa.Table(leftover.table, sa.MetaData())))


def _blank(tenant: Tenant, leftovers: Sequence[Leftover]) -> None:
    with tenant.publishing_lock() as connection:
        known = catalogue.read(connection, [leftover.object for leftover in leftovers]) if leftovers else {}
        for leftover in leftovers:
            removed = known[leftover.object].removed
            columns = [removed[name].column for name in leftover.fields if name in removed]
            if columns:
                table = sa.table(leftover.table, *(sa.column(name) for name in columns))
                connection.execute(table.update().values(dict.fromkeys(columns, None)))
