"""Restore, clone and move: archives put to use. Each makes a whole tenant or none."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.exchange.archive.read import Manifest, restore, verify
from trellis.exchange.archive.write import backup
from trellis.storage import control
from trellis.storage.engines import Database
from trellis.tenant import Tenant
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.runtime import Runtime

NOT_CLONED = (
    "t_session",
    "t_token",
    "t_one_time_link",
    "t_known_browser",
    "t_sign_on",
    "t_idempotency",
    "t_outbox",
)
"""A clone shares no login with its original, and must not send again what the original sends."""


LEFT_BEHIND = timedelta(days=1)


class CannotMove(TrellisError):
    """The tenant cannot go to that place."""

    code = "cannot_move"


def restore_tenant(runtime: Runtime, path: Path, name: str | None = None, *, replace: bool = False) -> Tenant:
    """Make a tenant from an archive, verified first.

    A tenant of that name is refused with ``TenantExists`` unless ``replace`` is set. Then it is backed up to
    ``backups/`` in the home folder before it goes, and comes back from there if the archive cannot be restored.
    """
    manifest = verify(path)
    name = name or manifest.tenant
    if not replace or name not in runtime.names():
        return _make(runtime, path, name, manifest)
    saved = _save(runtime, name)
    runtime.drop_tenant(name)
    try:
        return _make(runtime, path, name, manifest)
    except BaseException:
        _make(runtime, saved, name, verify(saved))
        raise


def _make(runtime: Runtime, path: Path, name: str, manifest: Manifest, status: str = "active") -> Tenant:
    tenant = runtime.create_tenant(name, settings=dict(manifest.settings), status=status)
    try:
        restore(path, tenant)
    except BaseException:
        runtime.drop_tenant(name)
        raise
    return runtime.reopen(name)


def _save(runtime: Runtime, name: str) -> Path:
    """Back a tenant up before it is replaced; return the archive, which stays."""
    folder = runtime.home / "backups"
    folder.mkdir(exist_ok=True)
    saved = folder / f"{name}-before-restore-{runtime.clock.now():%Y%m%dT%H%M%S%f}.zip"
    backup(runtime.tenant(name), saved)
    return saved


def clone_tenant(runtime: Runtime, source: str, target: str) -> Tenant:
    """Make a tenant with the records, files and metadata of another as of now, without its sessions and messages."""
    with tempfile.TemporaryDirectory(dir=runtime.home) as folder:
        archive = Path(folder) / "clone.zip"
        backup(runtime.tenant(source), archive, without=NOT_CLONED)
        return restore_tenant(runtime, archive, target)


@contextmanager
def temporary_copy(runtime: Runtime, source: str) -> Iterator[Tenant]:
    """Yield a copy of a tenant as of now, records and files and all, that is removed at the end.

    No worker works for it: nothing that happens there is sent anywhere. Copies that an interrupted trial left more than a day
    ago are removed.
    """
    for old in runtime.copies_before(runtime.clock.now() - LEFT_BEHIND):
        runtime.drop_tenant(old)
    name = f"copy_{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(dir=runtime.home) as folder:
        archive = Path(folder) / "copy.zip"
        backup(runtime.tenant(source), archive, without=NOT_CLONED)
        copy = _make(runtime, archive, name, verify(archive), "copy")
    try:
        yield copy
    finally:
        runtime.drop_tenant(name)


def move_tenant(runtime: Runtime, name: str, url: str | None) -> Tenant:
    """Put a tenant into another database. ``url`` is a PostgreSQL address, or None for a SQLite file in the home folder.

    Nobody can write meanwhile. Other processes must be stopped before: they would go on with the old place. The old place
    is removed once the directory points at the new one. Raises :class:`CannotMove`.
    """
    old = runtime.tenant(name)
    place = url or f"sqlite:///{runtime.home / 'tenants' / (name + '.db')}"
    schema = None if place.startswith("sqlite") else f"t_{name}"
    if (sa.make_url(place), schema) == (old.database.url, old.database.schema):
        raise CannotMove(f"Tenant '{name}' is there already.")
    database = _empty_place(place, schema)
    new = Tenant(name, database, runtime.clock, old.key_file, old.files)
    try:
        with tempfile.TemporaryDirectory(dir=runtime.home) as folder, old.publishing_lock() as connection:
            archive = Path(folder) / "move.zip"
            backup(old, archive, connection=connection, with_files=False)
            new.open(dict(old.settings))
            restore(archive, new)
            with runtime.control.writing() as directory:
                row = control.tenant.update().where(control.tenant.c.name == name)
                directory.execute(row.values(url=database.url.render_as_string(hide_password=False), schema=schema))
    except BaseException:
        _remove(database)
        raise
    database.close()
    _remove(old.database)
    return runtime.reopen(name)


def _empty_place(url: str, schema: str | None) -> Database:
    database = Database(url, schema=schema)
    path = database.url.database if database.is_sqlite else None
    if path is not None and Path(path).exists():
        raise CannotMove(f"There is a file at '{path}' already. Nothing is overwritten.")
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    elif sa.inspect(database.engine).has_schema(str(schema)):
        raise CannotMove(f"The database has a schema '{schema}' already. Nothing is overwritten.")
    return database


def _remove(database: Database) -> None:
    database.drop()
    if database.is_sqlite:
        for suffix in ("", "-wal", "-shm"):
            Path(str(database.url.database) + suffix).unlink(missing_ok=True)
