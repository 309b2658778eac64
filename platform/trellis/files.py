"""Stored files: the bytes lie in their file store by an id that nobody can guess, the rest in ``t_file``.

Who may read a file: its owner, administrators, and whoever may read a record that refers to it (the one it was attached to,
or one with a file field that holds its id). A record can only be given a file that its writer may read.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis import file_stores
from trellis.access import Principal, rights
from trellis.model import Model, ObjectModel
from trellis.query.paths import record_predicate
from trellis.storage import system
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction import Transaction
    from trellis.transaction.row import Row

MAX_FILE = 50 * 1024 * 1024
FILE_ID = re.compile(r"[0-9a-f]{32}\Z")
FIELD_TYPES = ("file", "image")
_CHUNK = 1024 * 1024
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,55}\Z")


class UnknownFile(TrellisError):
    """No such file, or none that the caller may read. The two are never told apart."""

    code = "unknown_file"


class FileTooLarge(TrellisError):
    """The file is larger than the platform takes."""

    code = "too_large"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file. ``owner`` is the number of a user, ``object`` and ``record`` what it is attached to.

    ``store`` names where the bytes lie; None is the home folder.
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    owner: int | None
    object: str | None
    record: int | None
    created_at: datetime
    store: str | None = None


def content_of(tenant: Tenant, file: StoredFile) -> Path:
    """Return where a file's bytes can be read, fetched from its store if need be. Raises ``FileStoreFailed``."""
    if file.store is None:
        return path_of(tenant, file.id)
    return file_stores.fetch(tenant, file.store, file.id, file.sha256)


def path_of(tenant: Tenant, file_id: str) -> Path:
    """Return where a file's bytes lie in the home folder. Only ids that this module made become paths. Raises :class:`UnknownFile`."""
    if not FILE_ID.match(file_id):
        raise UnknownFile("There is no such file.")
    return tenant.files / file_id[:2] / file_id


def clean_name(name: str | None) -> str:
    """Return the last part of a path as a name for people: no control characters, at most 255 characters."""
    last = re.split(r"[/\\]", name or "")[-1]
    shown = "".join(c for c in last if c.isprintable()).strip(" .")
    return shown[-255:] or "file"


def clean_media_type(text: str | None) -> str:
    """Return a plain media type; ``application/octet-stream`` for what is not one."""
    plain = (text or "").partition(";")[0].strip().lower()
    return plain if _MEDIA_TYPE.match(plain) else "application/octet-stream"


def store(
    tenant: Tenant,
    principal: Principal,
    stream: BinaryIO,
    *,
    name: str | None,
    media_type: str | None,
    attach: tuple[str, int] | None = None,
    limit: int = MAX_FILE,
) -> StoredFile:
    """Write the bytes, then the row: what is listed is there. Raises :class:`FileTooLarge`, ``FileStoreFailed``."""
    file_id, chosen = secrets.token_hex(16), file_stores.chosen(tenant)
    path = path_of(tenant, file_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        size, digest = _copy(stream, path, limit)
        found = StoredFile(
            file_id,
            clean_name(name),
            clean_media_type(media_type),
            size,
            digest,
            principal.user,
            attach and attach[0],
            attach and attach[1],
            tenant.clock.now(),
            chosen,
        )
        file_stores.keep(tenant, chosen, file_id, path)
        with tenant.database.writing() as connection:
            connection.execute(system.file.insert(), {n: getattr(found, n) for n in StoredFile.__slots__})
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return found


def _copy(stream: BinaryIO, path: Path, limit: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with open(path, "xb") as target:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise FileTooLarge(f"A file has at most {limit // 1024 // 1024} MB.")
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()


def remove(tenant: Tenant, file_id: str) -> None:
    """Forget a file, row first: what is listed is there."""
    c = system.file.c
    with tenant.database.writing() as connection:
        place = connection.execute(sa.select(c.store).where(c.id == file_id)).scalar()
        connection.execute(system.file.delete().where(c.id == file_id))
    if place is not None:
        file_stores.forget(tenant, place, file_id)
    path_of(tenant, file_id).unlink(missing_ok=True)


def row_of(connection: Connection, file_id: str) -> StoredFile:
    """Return a file's row for the platform itself, which judges nobody's rights. Raises :class:`UnknownFile`."""
    row = connection.execute(sa.select(system.file).where(system.file.c.id == file_id)).mappings().first()
    if row is None:
        raise UnknownFile("There is no such file.")
    return StoredFile(**row)


def read(tenant: Tenant, connection: Connection, model: Model, principal: Principal, file_id: str) -> StoredFile:
    """Return a file's row. Raises :class:`UnknownFile`, also where the principal may not read it."""
    row = (
        connection.execute(sa.select(system.file).where(system.file.c.id == file_id)).mappings().first()
        if FILE_ID.match(file_id)
        else None
    )
    if row is None or not may_read(connection, model, principal, StoredFile(**row)):
        raise UnknownFile("There is no such file.")
    return StoredFile(**row)


def may_read(connection: Connection, model: Model, principal: Principal, file: StoredFile) -> bool:
    """Decide for one file."""
    if not principal.may("read"):
        return False
    if principal.admin or (file.owner is not None and file.owner == principal.user):
        return True
    if file.object is not None and file.object in model.object_names:
        target = model.object(file.object)
        if _readable(connection, principal, target, target.table.c.id == file.record):
            return True
    return any(
        _readable(
            connection,
            principal,
            model.object(name),
            sa.or_(*(f.column == file.id for f in file_fields(model.object(name)))),
        )
        for name in _objects_with_files(model)
    )


def _objects_with_files(model: Model) -> list[str]:
    found: list[str] | None = model.cache.get("objects_with_files")
    if found is None:
        documents: Mapping[str, Any] = model.snapshot.of_kind("object")
        found = model.cache["objects_with_files"] = [
            n for n, d in documents.items() if any(f["type"] in FIELD_TYPES for f in d["fields"])
        ]
    return found


def file_fields(model: ObjectModel) -> list[Any]:
    """Return the fields of an object that hold files."""
    return [f for f in model.fields.values() if f.doc["type"] in FIELD_TYPES]


def _readable(
    connection: Connection, principal: Principal, model: ObjectModel, condition: sa.ColumnElement[bool]
) -> bool:
    t = model.table
    if rights(principal, model.doc).read == "none":
        return False
    query = sa.select(t.c.id).where(condition, t.c.deleted_at.is_(None), record_predicate(principal, model, t)).limit(1)
    return connection.execute(query).first() is not None


def check_files(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Step of judgement: refuse file ids that do not exist or that the writer may not read."""
    names = [f.name for f in file_fields(model)]
    wanted = {
        (row.new[n])
        for row in rows
        for n in names
        if row.new.get(n) is not None and (row.old is None or row.old.get(n) != row.new[n])
    }
    if not wanted:
        return
    allowed = {i for i in wanted if _allowed(tx, i)}
    for row in rows:
        for name in names:
            if row.new.get(name) in wanted - allowed and row.new.get(name) is not None:
                row.refuse(name, "bad_reference", f"There is no file with the id '{row.new[name]}'.")


def _allowed(tx: Transaction, file_id: str) -> bool:
    try:
        read(tx.tenant, tx.connection, tx.model, tx.principal, file_id)
    except UnknownFile:
        return False
    return True
