"""Reads archives: all of it is verified before anything is written."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.exchange.archive.tables import all_tables, object_table, reader_of
from trellis.exchange.errors import BadArchive
from trellis.model import ModelEnvironment, ObjectModel
from trellis.publishing import catalogue, versions
from trellis.publishing.indexes import wanted_indexes
from trellis.storage import migrate, physical, system

if TYPE_CHECKING:
    from trellis.tenant import Tenant

CHUNK = 1000
MAX_MANIFEST = 64 * 1024**2
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What an archive says it holds."""

    tenant: str
    created_at: str
    database: str
    revision: str
    settings: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]
    files: tuple[Mapping[str, Any], ...]
    key: str


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as problem:
        raise BadArchive(f"'{path.name}' is not an archive of a tenant, or is damaged: {problem}") from None


def read_manifest(path: Path) -> Manifest:
    """Return what the archive says. Raises :class:`BadArchive`."""
    with _opened(path) as archive:
        if archive.getinfo("manifest.json").file_size > MAX_MANIFEST:
            raise BadArchive(f"'{path.name}' has a manifest that is too large.")
        raw = archive.read("manifest.json")
    try:
        found = json.loads(raw)
        if found["format"] != 1:
            raise BadArchive(f"'{path.name}' has format {found['format']}; this version reads format 1.")
        return Manifest(
            found["tenant"],
            found["created_at"],
            found["database"],
            found["revision"],
            found["settings"],
            {t["name"]: t for t in found["tables"]},
            tuple(found["files"]),
            found["key"],
        )
    except (ValueError, KeyError, TypeError):
        raise BadArchive(f"'{path.name}' has a manifest that cannot be read.") from None


def verify(path: Path) -> Manifest:
    """Check every part of the archive against its digest; return the manifest. Raises :class:`BadArchive`."""
    manifest = read_manifest(path)
    if manifest.revision != migrate.head("tenant"):
        raise BadArchive(
            f"'{path.name}' belongs to another version of Trellis (data revision {manifest.revision}, here "
            f"{migrate.head('tenant')}). Restore it with that version and upgrade there."
        )
    with _opened(path) as archive:
        for name, table in manifest.tables.items():
            _check_part(archive, f"tables/{name}.ndjson", table["sha256"], None)
        for file in manifest.files:
            place = PurePosixPath(file["name"])
            if place.is_absolute() or ".." in place.parts or "\\" in file["name"]:
                raise BadArchive(f"'{path.name}' holds a file outside its folder: {file['name'][:100]!r}.")
            _check_part(archive, f"files/{file['name']}", file["sha256"], file["size"])
    return manifest


def _check_part(archive: zipfile.ZipFile, name: str, digest: str, size: int | None) -> None:
    found, read = hashlib.sha256(), 0
    with archive.open(name) as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
            read += len(block)
            if size is not None and read > size:
                break
    if found.hexdigest() != digest:
        raise BadArchive(
            f"'{name}' does not have the digest that the manifest names: the archive is damaged or was changed."
        )


def restore(path: Path, tenant: Tenant) -> Manifest:
    """Fill a tenant that was just made with what the archive holds: in one transaction, the files after it.

    The tenant's own rows go: it becomes the one that was archived, under its new name.
    """
    manifest = verify(path)
    with _opened(path) as archive:
        with tenant.publishing_lock() as connection:
            _clear(connection)
            for table in system.metadata.sorted_tables:
                _fill(connection, table, archive, manifest)
            _make_objects(connection, tenant, archive, manifest)
            if not tenant.database.is_sqlite:
                _advance_sequences(connection)
        # The key comes after the rows: a failed restore leaves the tenant with the key it had.
        tenant.key_file.parent.mkdir(parents=True, exist_ok=True)
        tenant.key_file.touch(mode=0o600)
        tenant.key_file.write_text(manifest.key, encoding="ascii")
        for file in manifest.files:
            place = tenant.files / file["name"]
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(f"files/{file['name']}") as source:
                _copy(source, place)
    return manifest


def _copy(source: IO[bytes], place: Path) -> None:
    with place.open("wb") as target:
        while block := source.read(_BLOCK):
            target.write(block)


def _clear(connection: Connection) -> None:
    for table in reversed(all_tables(connection)):
        if table.name in system.metadata.tables:
            connection.execute(table.delete())
        else:
            connection.execute(sa.schema.DropTable(table))


def _fill(connection: Connection, table: sa.Table, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    entry = manifest.tables.get(table.name)
    if entry is None:
        return
    unknown = set(entry["columns"]) - set(table.c.keys())
    if unknown:
        raise BadArchive(
            f"Table '{table.name}' of the archive has columns that this version does not know: {', '.join(sorted(unknown))}."
        )
    names = [str(n) for n in entry["columns"]]
    readers = [reader_of(table.c[n].type) for n in names]
    statement = table.insert()
    with archive.open(f"tables/{table.name}.ndjson") as stream:
        chunk: list[dict[str, Any]] = []
        for line in stream:
            chunk.append(_row(orjson.loads(line), names, readers))
            if len(chunk) == CHUNK:
                connection.execute(statement, chunk)
                chunk = []
        if chunk:
            connection.execute(statement, chunk)


def _row(values: list[Any], names: list[str], readers: list[Callable[[Any], Any] | None]) -> dict[str, Any]:
    return {n: v if v is None or read is None else read(v) for n, v, read in zip(names, values, readers, strict=True)}


def _make_objects(connection: Connection, tenant: Tenant, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Make the tables of all objects, fill them, then build their indexes."""
    snapshot = versions.read_version(connection, versions.current_number(connection))
    settings = connection.execute(sa.select(system.state.c.settings)).scalar_one()
    env = ModelEnvironment(snapshot, str(settings["currency"]), str(settings["country"]))
    for name, storage in sorted(catalogue.read(connection).items()):
        table = object_table(storage)
        physical.create_table(connection, table)
        _fill(connection, table, archive, manifest)
        doc = snapshot.get("object", name)
        if doc is not None:
            _index(connection, ObjectModel(doc, storage, env))


def _index(connection: Connection, model: ObjectModel) -> None:
    """Make the indexes that the catalogue names, under the names that it gave them."""
    wanted = wanted_indexes(model)
    for purpose, entry in model.storage.indexes.items():
        columns = wanted.get(purpose)
        if columns:
            unique = purpose.startswith("unique:")
            where = model.table.c.deleted_at.is_(None) if unique else columns[0].isnot(None)
            physical.create_index(connection, entry.split("|", 1)[0], model.table, columns, unique=unique, where=where)


def _advance_sequences(connection: Connection) -> None:
    """Let the numbers that PostgreSQL gives go on after the highest restored one."""
    for table in system.metadata.sorted_tables:
        for column in table.primary_key:
            if column.autoincrement is True:
                highest = connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one()
                sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(sa.select(sa.func.setval(sequence, highest + 1, False)))


__all__ = ["Manifest", "read_manifest", "restore", "verify"]
