"""Writes archives."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.exchange.archive.tables import all_tables, to_plain
from trellis.storage import migrate

if TYPE_CHECKING:
    from trellis.tenant import Tenant

FORMAT = 1
PAGE = 2000
_BLOCK = 1024 * 1024


def backup(
    tenant: Tenant,
    path: Path,
    *,
    without: Collection[str] = (),
    connection: Connection | None = None,
    with_files: bool = True,
) -> dict[str, Any]:
    """Write the tenant to ``path`` and return the manifest. The file appears only when it is complete.

    ``without`` names platform tables whose rows are left out; ``with_files`` says whether stored files go along. ``connection`` reads inside a running transaction.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        # The archive holds the key: nobody else may read it.
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if connection is not None:
                manifest = _write(tenant, connection, archive, without, with_files)
            else:
                with tenant.database.reading() as reading:
                    manifest = _write(tenant, reading, archive, without, with_files)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _write(
    tenant: Tenant, connection: Connection, archive: zipfile.ZipFile, without: Collection[str], with_files: bool
) -> dict[str, Any]:
    tables = [_write_table(connection, t, archive, skip=t.name in without) for t in all_tables(connection)]
    files = [
        _write_file(p, p.relative_to(tenant.files).as_posix(), archive)
        for p in (_files(tenant.files) if with_files else ())
    ]
    _ = tenant.environment(tenant.model_in(connection).snapshot).seal("")  # makes the key if there is none yet
    manifest = {
        "format": FORMAT,
        "tenant": tenant.name,
        "created_at": tenant.clock.now().isoformat(),
        "database": tenant.database.dialect_name,
        "revision": migrate.head("tenant"),
        "settings": tenant.settings,
        "tables": tables,
        "files": files,
        "key": tenant.key_file.read_text(encoding="ascii").strip(),
    }
    archive.writestr("manifest.json", json.dumps(manifest, indent=2))
    return manifest


def _write_table(connection: Connection, table: sa.Table, archive: zipfile.ZipFile, *, skip: bool) -> dict[str, Any]:
    digest, count = hashlib.sha256(), 0
    with archive.open(f"tables/{table.name}.ndjson", "w", force_zip64=True) as stream:
        for page in [] if skip else _pages(connection, table):
            block = b"".join(orjson.dumps([to_plain(v) for v in row], option=orjson.OPT_APPEND_NEWLINE) for row in page)
            digest.update(block)
            stream.write(block)
            count += len(page)
    return {"name": table.name, "columns": [c.name for c in table.c], "rows": count, "sha256": digest.hexdigest()}


def _pages(connection: Connection, table: sa.Table) -> Iterator[list[Any]]:
    result = connection.execution_options(yield_per=PAGE).execute(sa.select(table).order_by(*table.primary_key))
    for page in result.partitions(PAGE):
        yield list(page)


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) if folder.is_dir() else []


def _write_file(path: Path, name: str, archive: zipfile.ZipFile) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(f"files/{name}", "w", force_zip64=True) as stream:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += stream.write(block)
    return {"name": name, "size": size, "sha256": digest.hexdigest()}
