"""The tables are what the catalogue says: each object has its table, each field its columns of the right type, each key its index."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.cli.checks.complaint import Complaint
from trellis.exchange.archive.tables import object_table
from trellis.publishing import catalogue
from trellis.storage.physical import Storage

if TYPE_CHECKING:
    from trellis.tenant import Tenant

_RESTORE = "Restore a backup, or add what is missing by hand."
_REMOVE = "If nobody made it on purpose, remove it."
_PRECISION = re.compile(r"\(\d+, ")
"""How many digits a decimal has in all is not in the catalogue; how many of them are decimals is."""
_SAME = {"FLOAT": "DOUBLE PRECISION", "TIME": "TIME WITHOUT TIME ZONE"}
"""Two ways in which one type is written."""


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
            yield from _columns(name, storage, inspector, tenant.database.schema, connection.dialect)
            yield from _indexes(name, storage, inspector, tenant.database.schema)
    for table in sorted(t for t in tables if t.startswith("o_") and t not in {s.table for s in entries.values()}):
        yield Complaint(table, f"Table '{table}' belongs to no object.", _REMOVE)


def _columns(
    name: str, storage: Storage, inspector: sa.Inspector, schema: str | None, dialect: sa.Dialect
) -> Iterable[Complaint]:
    real = {c["name"]: c["type"] for c in inspector.get_columns(storage.table, schema=schema)}
    expected = object_table(storage).c
    for column in sorted(set(expected.keys()) - set(real)):
        yield Complaint(name, f"Column '{column}' of table '{storage.table}' is missing.", _RESTORE)
    for column in sorted(set(real) - set(expected.keys())):
        yield Complaint(name, f"Column '{column}' of table '{storage.table}' is in no catalogue.", _REMOVE)
    for column in sorted(set(real) & set(expected.keys())):
        found, wanted = _written(real[column], dialect), _written(expected[column].type, dialect)
        if _PRECISION.sub("(", found) != _PRECISION.sub("(", wanted):
            yield Complaint(
                name,
                f"Column '{column}' of table '{storage.table}' is of type {found}, expected {wanted}.",
                f"Restore a backup, or change the type back to {wanted} by hand.",
            )


def _written(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> str:
    """Return a type as the database writes it. Lengths and collations of text do not count."""
    text = kind.compile(dialect=dialect).upper().partition(" COLLATE")[0]
    return "TEXT" if text.startswith(("VARCHAR", "TEXT")) else _SAME.get(text, text)


def _indexes(name: str, storage: Storage, inspector: sa.Inspector, schema: str | None) -> Iterable[Complaint]:
    real = {str(i["name"]) for i in inspector.get_indexes(storage.table, schema=schema)}
    known = {entry.split("|", 1)[0]: purpose for purpose, entry in storage.indexes.items()}
    for index in sorted(set(known) - real):
        yield Complaint(
            name,
            f"The index '{index}' for '{known[index]}' is missing.",
            "Until it is made again, keys are checked but not guarded, and lists are slow. Restore a backup, or take the "
            "field's 'unique' or 'indexed' out of the metadata and put it back.",
        )
    for index in sorted(real - set(known) - {f"ix_{storage.table}_{suffix}"[:63] for suffix in ("mod", "own")}):
        yield Complaint(name, f"Index '{index}' of table '{storage.table}' is in no catalogue.", _REMOVE)
