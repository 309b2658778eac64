"""Builds indexes on PostgreSQL without locking readers or writers out (``CREATE INDEX CONCURRENTLY``).

Such a statement cannot stand in a transaction, and what is interrupted leaves an invalid index behind. So each build first
drops what stands there under the name, and only the publication's row says that an index is done. One process builds at a
time: a session lock, which the server gives up by itself when the process dies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.publishing.indexes import NewIndex
from trellis.storage import physical
from trellis.storage.engines import Database

LARGE_ROWS = 20_000
"""Tables with more rows get their indexes online. Below that a build takes a few milliseconds."""
_LOCK_TIMEOUT = "10min"
_POLL_S = 0.1


def is_large(connection: Connection, table: sa.Table) -> bool:
    """Whether a table has more than :data:`LARGE_ROWS` rows; looks at no more than that."""
    rows = sa.select(sa.literal(1)).select_from(table).limit(LARGE_ROWS + 1).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()) > LARGE_ROWS


@contextmanager
def building(database: Database, key: int, go_on: Callable[[], bool]) -> Iterator[Connection | None]:
    """Yield a connection outside transactions that alone may build indexes, or None once ``go_on`` says no.

    ``key`` numbers the tenant. The connection leaves the pool: its settings must not reach anybody else.
    """
    with database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        connection.exec_driver_sql(f"SET search_path TO {database.schema}")
        connection.exec_driver_sql(f"SET lock_timeout TO '{_LOCK_TIMEOUT}'")
        # A session that waited in the server for the lock would hold up the build that it waits for: so ask again and again.
        while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar_one():
            if not go_on():
                yield None
                return
            time.sleep(_POLL_S)
        yield connection


def build(connection: Connection, index: NewIndex) -> None:
    """Build one index, in place of whatever an interrupted build left. Raises ``DuplicateValues``, leaving nothing."""
    physical.drop_index(connection, index.name, online=True)
    try:
        index.create(connection, online=True)
    except BaseException:
        physical.drop_index(connection, index.name, online=True)
        raise
