"""Which rows of the outbox a worker takes next.

Due rows go in the order of their moments. Of the rows of one subject only one is worked on at a time, the one with the smallest
number among those that are due; a row that failed keeps its place (``holds``) until it succeeds, is cancelled or is given up.
Rows that stand behind another are put aside (``held``), so that no later claim looks at them again: a claim costs the same
with 100,000 of them. A unique index on ``holds`` refuses a second worker for one subject whatever the code does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage import system
from trellis.storage.outbox import HELD, READY, RUNNING

if TYPE_CHECKING:
    from trellis.tenant import Tenant

PAGES = 40
_O = system.outbox.c
Found = Mapping[str, Any]


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a claim may find something. Idle workers must not take SQLite's writer lock again and again."""
    for due in (_lost(now), _due(now)):
        if connection.execute(sa.select(_O.id).where(due).limit(1)).first() is not None:
            return True
    return False


def claim(
    tenant: Tenant, connection: Connection, worker: str, *, limit: int, lease: timedelta
) -> tuple[list[Found], bool]:
    """Take at most ``limit`` due rows for ``worker``; return them as they were, and whether to ask again if there are none."""
    database = tenant.database
    if not database.is_sqlite:
        # Claims of one tenant follow each other: two that saw different moments could else take two rows of one subject.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({tenant.lock_number + 3})")
    now = tenant.clock.now()
    taking = _Claim(connection, now, limit)
    taking.take_lost()
    taking.take_due()
    if taking.taken:
        connection.execute(
            system.outbox.update()
            .where(_O.id.in_(list(taking.taken)))
            .values(state=RUNNING, worker=worker, leased_until=now + lease, attempts=_O.attempts + 1, holds=_O.subject)
        )
    return list(taking.taken.values()), taking.put_aside


def _lost(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_O.state == RUNNING, _O.leased_until < now)


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_O.state == READY, _O.due_at <= now)


@dataclass
class _Claim:
    connection: Connection
    now: datetime
    limit: int
    taken: dict[int, Found] = field(default_factory=dict)
    put_aside: bool = False

    def take_lost(self) -> None:
        """Take what a dead worker left. It holds its subject already, so that nothing else of it can be running."""
        for row in self._read(sa.select(system.outbox).where(_lost(self.now)).order_by(_O.due_at, _O.id)):
            self.taken[row["id"]] = row

    def take_due(self) -> None:
        """Take due rows page by page, putting aside those that must wait for another."""
        after: tuple[datetime, int] | None = None
        for _ in range(PAGES):
            if len(self.taken) >= self.limit:
                return
            query = sa.select(system.outbox).where(_due(self.now)).order_by(_O.due_at, _O.id)
            if after is not None:
                moment, number = after
                query = query.where(_O.due_at >= moment, sa.or_(_O.due_at > moment, _O.id > number))
            page = self._read(query)
            self._sort_out(page)
            if len(page) < self.limit:
                return
            after = (page[-1]["due_at"], page[-1]["id"])

    def _read(self, query: sa.Select[Any]) -> list[Found]:
        locking = query.limit(self.limit).with_for_update(skip_locked=True)
        return [dict(r) for r in self.connection.execute(locking).mappings()]

    def _sort_out(self, page: Sequence[Found]) -> None:
        subjects = {r["subject"] for r in page if r["subject"] is not None and r["holds"] is None}
        busy, settled = self._holders(subjects) if subjects else ({}, set())
        heads = self._heads(subjects - busy.keys()) if subjects - busy.keys() else {}
        aside = []
        for row in page:
            subject = row["subject"]
            if subject is None or row["holds"] is not None:
                self._take(row)
            elif subject in busy:
                aside += [row["id"]] if busy[subject] in settled else []
            elif subject in heads and heads[subject]["id"] != row["id"] and self._take(heads[subject]):
                aside.append(row["id"])
            elif subject in heads and heads[subject]["id"] == row["id"]:
                self._take(row)
        if aside:
            self.put_aside = True
            self.connection.execute(system.outbox.update().where(_O.id.in_(aside)).values(state=HELD))

    def _take(self, row: Found) -> bool:
        if row["id"] not in self.taken and len(self.taken) >= self.limit:
            return False
        self.taken[row["id"]] = row
        return True

    def _holders(self, subjects: set[str]) -> tuple[dict[str, int], set[int]]:
        """Return which row holds each subject, and those of them that cannot end before this claim does.

        Only behind these a row is put aside. The others are ending at this moment in a transaction that may have looked for held
        rows already.
        """
        held_by = sa.select(_O.holds, _O.id).where(_O.holds.in_(sorted(subjects)))
        busy = {r.holds: r.id for r in self.connection.execute(held_by)}
        if not busy:
            return {}, set()
        locked = sa.select(_O.id).where(_O.id.in_(list(busy.values()))).with_for_update(skip_locked=True)
        return busy, set(self.connection.execute(locked).scalars())

    def _heads(self, subjects: set[str]) -> dict[str, Found]:
        """Return the first due row of each subject; none for a subject whose first row is locked by somebody."""
        firsts = [
            sa.select(_O.id).where(_O.subject == s, _due(self.now)).order_by(_O.id).limit(1).scalar_subquery()
            for s in sorted(subjects)
        ]
        query = sa.select(system.outbox).where(_O.id.in_(firsts)).with_for_update(skip_locked=True)
        return {r["subject"]: dict(r) for r in self.connection.execute(query).mappings()}
