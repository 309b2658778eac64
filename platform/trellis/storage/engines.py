"""Databases: one SQLite file or one PostgreSQL schema per tenant, with the transaction modes that STORAGE measured.

SQLite runs in WAL mode with explicit ``BEGIN``; writers say ``BEGIN IMMEDIATE`` behind one in-process lock per file, so that
"database is locked" never reaches a client. PostgreSQL names its schema by ``SET LOCAL search_path`` in each transaction,
so that a pooled connection can never carry one tenant's schema over to another.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from trellis_metadata.errors import TrellisError

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
BUSY_TIMEOUT_S = 60


class BadDatabaseUrl(TrellisError):
    """The database address is not one that Trellis can use."""

    code = "bad_database_url"


class NestedTransaction(TrellisError):
    """A write transaction was begun inside another one of the same thread: it would wait for itself."""

    code = "nested_transaction"


class Database:
    """One tenant's (or the control) database: a place where transactions begin.

    ``schema`` is required on PostgreSQL and unused on SQLite.
    """

    def __init__(self, url: str, *, schema: str | None = None, pool_size: int = 8) -> None:
        self.url = sa.make_url(url)
        self.dialect_name = self.url.get_backend_name()
        self.schema = schema
        if self.dialect_name == "sqlite":
            self.engine = _sqlite_engine(self.url)
        elif self.dialect_name == "postgresql":
            if not schema or not SCHEMA_NAME.match(schema):
                raise BadDatabaseUrl(
                    f"PostgreSQL needs a schema name of lower-case letters, digits and '_', not {schema!r}."
                )
            self.engine = _postgres_engine(self.url, pool_size)
        else:
            raise BadDatabaseUrl(f"'{self.dialect_name}' is not supported: use sqlite:///file or postgresql://…")
        self._writer = threading.Lock()
        self._thread = threading.local()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.dialect_name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection inside a read transaction: one consistent moment for all its statements."""
        with self.engine.connect() as connection, connection.begin():
            if self.schema:
                connection.exec_driver_sql(
                    f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path TO {self.schema}"
                )
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection inside a write transaction that commits at the end, or rolls back on any exception."""
        if self.is_sqlite:
            if getattr(self._thread, "writing", False):
                raise NestedTransaction(
                    "A write transaction is open in this thread already; use it instead of a second one."
                )
            with self._writer, self.engine.connect() as connection:
                self._thread.writing = True
                try:
                    connection = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                    with connection.begin():
                        yield connection
                finally:
                    self._thread.writing = False
            return
        with self.engine.connect() as connection, connection.begin():
            self.enter_schema(connection)
            yield connection

    def enter_schema(self, connection: Connection) -> None:
        """Point the transaction at this tenant's schema (PostgreSQL)."""
        if self.schema:
            # SCHEMA_NAME was checked in __init__: the name needs no quoting.
            connection.exec_driver_sql(f"SET LOCAL search_path TO {self.schema}")

    def create(self) -> None:
        """Make the schema and the functions that formulas call (PostgreSQL); a SQLite file makes itself."""
        from trellis.formula.sql import postgresql

        if self.schema:
            with self.engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
                postgresql.install_once(connection)

    def drop(self) -> None:
        """Remove everything of this database for ever."""
        if self.schema:
            with self.engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        self.engine.dispose()

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def _dump_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _sqlite_engine(url: sa.URL) -> Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        poolclass=sa.pool.QueuePool,
        pool_size=16,
        max_overflow=32,
        query_cache_size=2000,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
    )

    from trellis.formula.sql.sqlite import register as register_functions
    from trellis.storage import local_days

    @sa.event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        cursor = dbapi.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA cache_size=-16384")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()
        register_functions(dbapi)
        local_days.register(dbapi)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def _postgres_engine(url: sa.URL, pool_size: int) -> Engine:
    url = url.set(drivername="postgresql+psycopg")
    return sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=16,
        pool_recycle=1800,
        query_cache_size=2000,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={"options": "-c timezone=UTC -c lock_timeout=30s"},
    )
