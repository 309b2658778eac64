"""The composition root: a home folder, the control database, and the tenants in it."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trellis.clock import Clock, SystemClock
from trellis.jobs.hints import DueHints
from trellis.storage import control, migrate
from trellis.storage.engines import Database
from trellis.tenant import Tenant
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.names import is_name

ACTIVE, COPY = "active", "copy"


class UnknownTenant(TrellisError):
    """There is no tenant of that name."""

    code = "unknown_tenant"


class TenantExists(TrellisError):
    """A tenant of that name exists already."""

    code = "tenant_exists"


class BadTenantName(TrellisError):
    """The name is not a well-formed API name."""

    code = "bad_tenant_name"


class Runtime:
    """Opens tenants. ``home`` holds ``control.db``, ``tenants/``, ``keys/`` and ``files/``.

    ``database_url`` puts the control data and new tenants on PostgreSQL (one schema each) instead of SQLite files.
    """

    def __init__(self, home: Path | str, *, database_url: str | None = None, clock: Clock | None = None) -> None:
        self.home = Path(home).resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.clock = clock or SystemClock()
        self.database_url = database_url
        if database_url and not database_url.startswith("sqlite"):
            self.control = Database(database_url, schema="trellis_control")
            self.control.create()
        else:
            self.database_url = None
            self.control = Database(f"sqlite:///{self.home / 'control.db'}")
        migrate.upgrade(self.control, "control")
        self.due = DueHints(self.control)
        self._tenants: dict[str, Tenant] = {}
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._names_at = float("-inf")

    def names(self) -> list[str]:
        """Return the names of all tenants, sorted; without copies that somebody made to try something out."""
        _T = control.tenant.c
        with self.control.reading() as connection:
            query = sa.select(_T.name).where(_T.status != COPY).order_by(_T.name)
            return list(connection.execute(query).scalars())

    def copies_before(self, moment: datetime) -> list[str]:
        """Return the copies that were made before ``moment``: what an interrupted trial left."""
        _T = control.tenant.c
        with self.control.reading() as connection:
            query = sa.select(_T.name).where(_T.status == COPY, _T.created_at < moment).order_by(_T.name)
            return list(connection.execute(query).scalars())

    def recent_names(self) -> list[str]:
        """Return the names of all tenants as of the last two seconds; for the hot path."""
        now = time.monotonic()
        if now - self._names_at > 2:
            self._names, self._names_at = self.names(), now
        return self._names

    def tenant(self, name: str) -> Tenant:
        """Return an opened tenant. Raises :class:`UnknownTenant`."""
        found = self._tenants.get(name)
        if found is not None:
            return found
        with self.control.reading() as connection:
            row = connection.execute(sa.select(control.tenant).where(control.tenant.c.name == name)).mappings().first()
        if row is None:
            raise UnknownTenant(f"There is no tenant '{str(name)[:80]}'.{did_you_mean(name, self.names())}")
        return self._open(name, row["url"], row["schema"], None, row["status"])

    def create_tenant(
        self, name: str, *, settings: dict[str, Any] | None = None, url: str | None = None, status: str = ACTIVE
    ) -> Tenant:
        """Make a tenant with the core objects. Raises :class:`BadTenantName` or :class:`TenantExists`.

        ``status`` :data:`COPY` makes one that is in no list and for which no worker works.
        """
        if not is_name(name):
            raise BadTenantName(
                f"'{str(name)[:80]}' is not a tenant name: lower-case letters, digits and single '_', at most 40."
            )
        if name in self.names():
            raise TenantExists(f"Tenant '{name}' exists already.")
        place = url or self.database_url or f"sqlite:///{self.home / 'tenants' / (name + '.db')}"
        schema = None if place.startswith("sqlite") else f"t_{name}"
        if schema is None:
            Path(str(sa.make_url(place).database)).parent.mkdir(parents=True, exist_ok=True)
        tenant = self._open(name, place, schema, settings, status)
        with self.control.writing() as connection:
            connection.execute(
                control.tenant.insert(),
                {
                    "name": name,
                    "url": place,
                    "schema": schema,
                    "status": status,
                    "created_at": self.clock.now(),
                    "next_due_at": None if status == COPY else self.clock.now(),
                },
            )
        return tenant

    def drop_tenant(self, name: str) -> None:
        """Remove a tenant with all its records and files, for ever."""
        tenant = self.tenant(name)
        with self._lock:
            self._tenants.pop(name, None)
        tenant.database.drop()
        if tenant.database.is_sqlite:
            for suffix in ("", "-wal", "-shm"):
                Path(str(tenant.database.url.database) + suffix).unlink(missing_ok=True)
        shutil.rmtree(tenant.files, ignore_errors=True)
        with self.control.writing() as connection:
            connection.execute(control.tenant.delete().where(control.tenant.c.name == name))

    def reopen(self, name: str) -> Tenant:
        """Close a tenant and open it anew, after its database was replaced."""
        with self._lock:
            found = self._tenants.pop(name, None)
        if found is not None:
            found.close()
        return self.tenant(name)

    def _open(
        self, name: str, url: str, schema: str | None, settings: dict[str, Any] | None, status: str = ACTIVE
    ) -> Tenant:
        with self._lock:
            if name not in self._tenants:
                database = Database(url, schema=schema)
                tenant = Tenant(
                    name, database, self.clock, self.home / "keys" / f"{name}.key", self.home / "files" / name
                )
                if status != COPY:
                    tenant.wake = lambda: self.due.touch(name, tenant.clock.now())
                tenant.copied = lambda: self._copy_of(name)
                tenant.open(settings)
                self._tenants[name] = tenant
            return self._tenants[name]

    def _copy_of(self, name: str) -> AbstractContextManager[Tenant]:
        # Archives are read and written through tenants, so they stand above this module.
        from trellis.exchange.archive import temporary_copy

        return temporary_copy(self, name)

    def close(self) -> None:
        """Close every database."""
        for tenant in self._tenants.values():
            tenant.close()
        self.control.close()
