"""One tenant: its database, its metadata and the ways to read and write its records."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from trellis.access import Cause, Principal
from trellis.access.sync import prepare
from trellis.audit.views import Views
from trellis.automation.checking import CHECKER
from trellis.clock import Clock
from trellis.core import core_documents
from trellis.fields import field_types
from trellis.ids import COUNTER, IdAllocator
from trellis.key_files import key_of
from trellis.model import Model, ModelEnvironment
from trellis.publishing import catalogue, versions
from trellis.publishing.expansion import activate, add_columns, expand
from trellis.publishing.publisher import Publisher
from trellis.rates import Rates
from trellis.ripples.engine import Engine
from trellis.rules.checking import check_formula
from trellis.search import SearchIndex
from trellis.storage import migrate, system
from trellis.storage.engines import Database
from trellis.storage.physical import Storage
from trellis.storage.prepared import Prepared
from trellis.transaction import StaleAccess, StaleModel, Transaction
from trellis.transaction.steps import Steps
from trellis.write_path import assemble
from trellis_metadata.language import Language
from trellis_metadata.snapshot import EMPTY, Snapshot

T = TypeVar("T")
ATTEMPTS = 5
DEFAULT_SETTINGS = {"organisation": "", "currency": "USD", "country": "US", "time_zone": "UTC", "language": "en"}


@cache
def _language() -> Language:
    """Return the language of this installation: one for all tenants, since it takes a tenth of a second to compile."""
    return Language(field_types(), system={}, formula_checker=check_formula, automation_checker=CHECKER)


def _no_copy() -> AbstractContextManager[Tenant]:
    raise RuntimeError("This tenant was not opened by a runtime, so there is no place for a copy.")


class _Rollback(Exception):
    """Ends a preview."""


class Tenant:
    """Safe to share between threads. Opened by :class:`trellis.runtime.Runtime`."""

    def __init__(self, name: str, database: Database, clock: Clock, key_file: Path, files: Path) -> None:
        self.name, self.database, self.clock = name, database, clock
        self.files = files
        self._key_file = key_file
        self.language = _language()
        self.ids = IdAllocator(database)
        self.rates = Rates()
        self.search_index = SearchIndex()
        self.views = Views()
        self.steps = Steps()
        self.ripples = Engine(self)
        assemble(self)
        self.publisher = Publisher(self)
        self._models: dict[int, Model] = {}
        self._settings: dict[str, Any] = dict(DEFAULT_SETTINGS)
        self._settings_version = -1
        self._model_lock = threading.Lock()
        self.wake: Callable[[], None] = lambda: None
        """Called after every write: tells workers that something may be due."""
        self.copied: Callable[[], AbstractContextManager[Tenant]] = _no_copy
        """Gives a copy of the tenant, records and files and all, that lasts as long as the block."""
        # The number of the tenant's advisory locks on PostgreSQL; the next one guards index builds.
        self.lock_number = int.from_bytes(hashlib.sha256((database.schema or name).encode()).digest()[:7], "big")

    # -- opening ---------------------------------------------------------------------------------------------------

    def open(self, settings: dict[str, Any] | None = None) -> None:
        """Migrate the platform's tables; a new tenant gets the core objects as version 1."""
        self.database.create()
        migrate.upgrade(self.database, "tenant")
        with self.publishing_lock() as connection:
            if connection.execute(sa.select(system.state.c.one)).first() is None:
                self._begin_life(connection, {**DEFAULT_SETTINGS, **(settings or {})})
            row = connection.execute(sa.select(system.state.c.settings, system.state.c.settings_version)).one()
            self._settings, self._settings_version = row[0], row[1]
        self.publisher.resume_interrupted()
        prepare(self)

    def _begin_life(self, connection: Connection, settings: dict[str, Any]) -> None:
        connection.execute(
            system.state.insert(),
            {"one": 1, "metadata_version": 0, "access_version": 1, "settings_version": 1, "settings": settings},
        )
        connection.execute(system.counter.insert(), {"name": COUNTER, "value": 1000})
        self._settings, self._settings_version = settings, 1
        core = self.core_snapshot()
        env = self.environment(core)
        expansion = expand(EMPTY, core, {}, set(), env, renamed_objects={}, renamed_fields={}, revive=False)
        add_columns(connection, expansion, core, env)
        activate(connection, expansion, core, env)
        versions.write_documents(connection, core, {})
        versions.write_version(connection, core, number=1, operations=[], author=None, note="core", at=self.clock.now())

    def core_snapshot(self) -> Snapshot:
        """Return the documents that every tenant has."""
        return Snapshot.of(core_documents())

    # -- settings and secrets --------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """The tenant's settings as of the last transaction."""
        return self._settings

    @property
    def time_zone(self) -> str:
        """The organisation's zone (IANA), in which rules reckon days."""
        return str(self._settings.get("time_zone", "UTC"))

    def change_settings(self, **changes: Any) -> None:
        """Change settings; every process sees them at its next transaction."""
        with self.publishing_lock() as connection:
            row = connection.execute(sa.select(system.state)).mappings().one()
            connection.execute(
                system.state.update().values(
                    settings={**row["settings"], **changes}, settings_version=row["settings_version"] + 1
                )
            )

    @property
    def key_file(self) -> Path:
        """Where the key of secrets is kept."""
        return self._key_file

    @cached_property
    def secret_key(self) -> bytes:
        """The tenant's key: it is kept beside the data, never in it."""
        return key_of(self._key_file, Fernet.generate_key)

    @cached_property
    def _fernet(self) -> Fernet:
        return Fernet(self.secret_key)

    def encrypt(self, text: str) -> str:
        """Return a secret as it may be stored in the tenant's database."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """Return the secret that :meth:`encrypt` was given."""
        return self._fernet.decrypt(stored.encode()).decode()

    def environment(self, snapshot: Snapshot) -> ModelEnvironment:
        """Return what fields may ask while they are compiled."""
        return ModelEnvironment(
            snapshot,
            str(self._settings["currency"]),
            str(self._settings["country"]),
            self.encrypt,
            self.decrypt,
            self.clock.now,
        )

    # -- models ----------------------------------------------------------------------------------------------------

    def model(self) -> Model:
        """Return the compiled model of the visible version."""
        with self.database.reading() as connection:
            return self.model_in(connection)

    def model_in(self, connection: Connection) -> Model:
        """Return the model of the version that this transaction sees."""
        return self.state_in(connection)[0]

    def state_in(self, connection: Connection) -> tuple[Model, int]:
        """Return the model and the access version that this transaction sees, in one statement.

        The access version changes with every change to users, accounts and tokens: what was derived from them may be kept
        for as long as it stays the same.
        """
        number, settings_version, access_version = _STATE.run(connection, {}).one()
        model = self._models.get((number << 20) + settings_version)
        return model or self._load_model(connection, number, settings_version), access_version

    def _load_model(self, connection: Connection, number: int, settings_version: int) -> Model:
        with self._model_lock:
            key = (number << 20) + settings_version
            if key in self._models:
                return self._models[key]
            if settings_version != self._settings_version:
                self._settings = connection.execute(sa.select(system.state.c.settings)).scalar_one()
                self._settings_version = settings_version
            newest = max(self._models) if self._models else None
            known = self._models[newest].snapshot if newest is not None else None
            snapshot = versions.read_version(connection, number, known)
            # INVARIANT: only the newest two models stay; older ones live on in the requests that hold them.
            self._models = {k: m for k, m in self._models.items() if k == newest}
            model = self._models[key] = Model(
                snapshot, number, self.environment(snapshot), self._storage_reader(number)
            )
            return model

    def _storage_reader(self, version: int) -> Callable[[str], Storage | None]:
        def read(name: str) -> Storage | None:
            with self.database.reading() as connection:
                if versions.current_number(connection) != version:
                    raise StaleModel("The metadata changed in the middle of the request.")
                return catalogue.read(connection, [name]).get(name)

        return read

    @contextmanager
    def publishing_lock(self) -> Iterator[Connection]:
        """Yield a write transaction that no other transaction of this tenant overlaps."""
        with self.database.writing() as connection:
            if not self.database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self.lock_number})")
            yield connection
        self.wake()

    # -- writing ---------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(
        self,
        principal: Principal,
        cause: Cause,
        *,
        preview: bool = False,
        migration: bool = False,
        access: int | None = None,
    ) -> Iterator[Transaction]:
        """Yield a :class:`Transaction`; commit at the end, or roll back on an exception or in a preview.

        ``access`` is the access version under which ``principal`` was read: if it changed, :class:`StaleAccess` is raised.
        """
        self.ids.reserve()
        tx: Transaction | None = None
        committed = False
        try:
            with self.database.writing() as connection:
                if not self.database.is_sqlite:
                    # Taken before the version is read: no transaction can run under a model that a publish replaces.
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({self.lock_number})")
                model, access_version = self.state_in(connection)
                if access is not None and access != access_version:
                    raise StaleAccess("Rights changed in the middle of the request.")
                tx = Transaction(self, connection, model, principal, cause, migration=migration)
                yield tx
                tx.finish()
                if preview:
                    raise _Rollback
            committed = True
            self.wake()
        except _Rollback:
            pass
        finally:
            for end in tx.ending if tx is not None else ():
                end(committed)

    def run(
        self,
        principal: Principal,
        cause: Cause,
        body: Callable[[Transaction], T],
        *,
        preview: bool = False,
        migration: bool = False,
        access: int | None = None,
    ) -> T:
        """Run ``body`` in a transaction; the whole of it again after a deadlock, a lost race for a key, or a publish."""
        for attempt in range(ATTEMPTS):
            try:
                with self.transaction(principal, cause, preview=preview, migration=migration, access=access) as tx:
                    result = body(tx)
                return result
            except (StaleModel, sa.exc.IntegrityError, sa.exc.OperationalError, sa.exc.NotSupportedError) as problem:
                if attempt == ATTEMPTS - 1 or not _may_pass(problem):
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


_STATE = Prepared(
    sa.select(system.state.c.metadata_version, system.state.c.settings_version, system.state.c.access_version)
)
_PASSING = ("40001", "40P01", "55P03", "23505", "0A000")


def _may_pass(problem: Exception) -> bool:
    """Whether the same transaction may succeed when it is run again."""
    if isinstance(problem, StaleModel):
        return True
    original = getattr(problem, "orig", None)
    code = getattr(original, "sqlstate", None)
    return code in _PASSING or "UNIQUE constraint" in str(original) or "locked" in str(original)
