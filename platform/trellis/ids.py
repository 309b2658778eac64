"""Hands out record numbers from hi-lo blocks: no clock, no random, one counter row per tenant."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system

if TYPE_CHECKING:
    from trellis.storage.engines import Database

BLOCK = 1000
COUNTER = "record"


class IdAllocator:
    """Allocates per process. A block belongs to the process once its own transaction committed; gaps are harmless."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._next = self._end = 0

    def reserve(self) -> None:
        """Make sure that a block is at hand. Called before the writer lock is taken."""
        with self._lock:
            if self._end - self._next > BLOCK // 10:
                return
        with self._database.writing() as connection:
            last = _advance(connection, BLOCK)
        with self._lock:
            self._next, self._end = last - BLOCK + 1, last + 1

    def take(self, count: int, connection: Connection) -> list[int]:
        """Return ``count`` new numbers. A demand beyond the block is met inside ``connection``'s transaction."""
        with self._lock:
            if self._end - self._next >= count:
                first = self._next
                self._next += count
                return list(range(first, first + count))
        last = _advance(connection, count)
        return list(range(last - count + 1, last + 1))


def _advance(connection: Connection, count: int) -> int:
    c = system.counter.c
    connection.execute(system.counter.update().where(c.name == COUNTER).values(value=c.value + count))
    return int(connection.execute(sa.select(c.value).where(c.name == COUNTER)).scalar_one())
