"""The tables are what the catalogue says: each object has its table, each field its columns and indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.exchange.archive.tables import object_table
from trellis.publishing import catalogue
from trellis.storage.physical import Storage

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_RESTORE = "Restore a backup, or add what is missing by hand."


def check(tenant: Tenant, connection: Connection) -> Iterable[Complaint]:
    """Compare the catalogue with documents on one side and real tables on the other."""
    model = tenant.model_in(connection)
    entries = catalogue.read(connection)
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names(schema=tenant.database.schema))
    for name in model.object_names:
        if name not in entries:
            yield Complaint(name, f"Object '{name}' is published but has no entry in the catalogue.", _RESTORE)
        else:
            missing = [
                f["name"]
                for f in model.snapshot.of_kind("object")[name]["fields"]
                if f["name"] not in entries[name].places
            ]
            for field in missing:
                yield Complaint(
                    f"{name}.{field}", "The field is published but the catalogue gives it no column.", _RESTORE
                )
    for name, storage in entries.items():
        if storage.table not in tables:
            yield Complaint(name, f"Table '{storage.table}' is missing.", _RESTORE)
        else:
            yield from _columns(name, storage, inspector, tenant.database.schema)
    for table in sorted(t for t in tables if t.startswith("o_") and t not in {s.table for s in entries.values()}):
        yield Complaint(table, f"Table '{table}' belongs to no object.", "If nobody made it on purpose, remove it.")


def _columns(name: str, storage: Storage, inspector: sa.Inspector, schema: str | None) -> Iterable[Complaint]:
    real = {c["name"] for c in inspector.get_columns(storage.table, schema=schema)}
    expected = set(object_table(storage).c.keys())
    for column in sorted(expected - real):
        yield Complaint(name, f"Column '{column}' of table '{storage.table}' is missing.", _RESTORE)
    for column in sorted(real - expected):
        yield Complaint(
            name,
            f"Column '{column}' of table '{storage.table}' is in no catalogue.",
            "If nobody made it on purpose, remove it.",
        )
    indexes = {i["name"] for i in inspector.get_indexes(storage.table, schema=schema)}
    for purpose, entry in storage.indexes.items():
        if entry.split("|", 1)[0] not in indexes:
            yield Complaint(
                name,
                f"The index for '{purpose}' is missing.",
                "Until it is made again, keys are checked but not guarded, and lists are slow.",
            )
