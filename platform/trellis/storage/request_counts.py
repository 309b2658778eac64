"""Counts requests for rate limits in the control database, for any number of processes.

A process takes numbers of a window in blocks of a fiftieth of the limit, so that most requests cost no statement. No number
is given twice: all processes together never let more requests through than the limit says; what a process has not used of
its block when the window ends is lost.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from limits.storage import Storage
from sqlalchemy.dialects import postgresql, sqlite

from trellis.clock import Clock
from trellis.storage.control import request_count
from trellis.storage.engines import Database

BLOCKS = 50
SWEEP_EVERY = 500
_C = request_count.c


@dataclass(slots=True)
class _Block:
    """Numbers from ``next`` to ``last`` belong to this process until ``expires_at`` (seconds since 1970)."""

    next: int
    last: int
    expires_at: int


class RequestCounts(Storage):
    """The storage of a rate limiter (see ``limits.storage``). Safe to share between threads."""

    STORAGE_SCHEME = ["trellis"]

    def __init__(self, uri: str = "", *, database: Database, clock: Clock, **options: Any) -> None:
        super().__init__(uri, **options)
        self.database, self.clock = database, clock
        self._blocks: dict[str, _Block] = {}
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        return sa.exc.SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count a request and return its number in the window, which lasts ``expiry`` seconds from its first one."""
        with self._lock:
            block = self._blocks.get(key)
            if block is None or block.expires_at <= self._now() or block.next + amount - 1 > block.last:
                block = self._blocks[key] = self._take(key, expiry, max(amount, _limit_of(key) // BLOCKS))
            block.next += amount
            return block.next - 1

    def get(self, key: str) -> int:
        """Return the number of the last request that this process counted."""
        block = self._blocks.get(key)
        return block.next - 1 if block and block.expires_at > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        block = self._blocks.get(key)
        return float(block.expires_at if block else self._now())

    def check(self) -> bool:
        """Whether the database answers."""
        with self.database.reading() as connection:
            return bool(connection.execute(sa.select(sa.literal(1))).scalar())

    def reset(self) -> int | None:
        """Forget all counts."""
        with self._lock, self.database.writing() as connection:
            self._blocks.clear()
            return int(connection.execute(request_count.delete()).rowcount)

    def clear(self, key: str) -> None:
        """Forget the counts of one key."""
        with self._lock, self.database.writing() as connection:
            self._blocks.pop(key, None)
            connection.execute(request_count.delete().where(_C.key == key))

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _take(self, key: str, expiry: int, size: int) -> _Block:
        """Take the next ``size`` numbers of the key's window, a new window if the old one is over."""
        now = self._now()
        insert = (sqlite if self.database.is_sqlite else postgresql).insert(request_count)
        values = {"key": key[:255], "hits": size, "expires_at": now + expiry}
        over = _C.expires_at <= now
        taken = insert.values(values).on_conflict_do_update(
            index_elements=[_C.key],
            set_={
                "hits": sa.case((over, size), else_=_C.hits + size),
                "expires_at": sa.case((over, now + expiry), else_=_C.expires_at),
            },
        )
        with self.database.writing() as connection:
            hits, expires_at = connection.execute(taken.returning(_C.hits, _C.expires_at)).one()
            self._taken += 1
            if self._taken % SWEEP_EVERY == 0:
                self._blocks = {k: b for k, b in self._blocks.items() if b.expires_at > now}
                connection.execute(request_count.delete().where(_C.expires_at <= now))
        return _Block(int(hits) - size + 1, int(hits), int(expires_at))


def _limit_of(key: str) -> int:
    """Return how many requests the window of a key allows: the third part from the end (see ``RateLimitItem.key_for``)."""
    parts = key.rsplit("/", 3)
    return int(parts[1]) if len(parts) == 4 and parts[1].isdigit() else 1
