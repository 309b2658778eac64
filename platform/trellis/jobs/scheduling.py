"""Schedules: kept as the documents ask, turned into one job per moment.

A schedule waits as one message in the outbox. When it falls due, one transaction makes the job, works out the next moment from the
schedule, not from the time of the run (nothing drifts), and leaves the next message. The row's ``next_at`` is what decides: a message
for another moment is of the past and does nothing, so that no number of workers and repetitions makes a second job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.jobs.cron import next_moment
from trellis.jobs.schedule import Schedule
from trellis.jobs.schedule_sources import sources
from trellis.storage import outbox
from trellis.storage.outbox import Message
from trellis.storage.tables.schedules import schedule
from trellis.transaction import Transaction
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "schedule"
MOST = 100
GRACE = timedelta(minutes=15)
"""A moment that ``skip`` still takes when it comes so late, as after a restart."""
_S = schedule.c
_Name = tuple[str, str, str]


def wanted_in(snapshot: Snapshot) -> dict[_Name, Schedule]:
    """Return the schedules of all documents by kind, document and name."""
    return {
        (kind, owner, found.name): found
        for kind, source in sources().items()
        for owner, document in snapshot.of_kind(kind).items()
        for found in source.schedules(document)
    }


def differs(connection: Connection, snapshot: Snapshot) -> bool:
    """Whether the stored schedules are not those of the documents."""
    stored = {
        (r["kind"], r["owner"], r["name"]): _stored(r) for r in connection.execute(sa.select(schedule)).mappings()
    }
    return stored != {key: _content(asked) for key, asked in wanted_in(snapshot).items()}


def follow(tenant: Tenant, connection: Connection, snapshot: Snapshot) -> int:
    """Bring ``t_schedule`` in line with the documents; return how many schedules changed. What stays the same keeps its moment."""
    wanted = wanted_in(snapshot)
    stored = {(r["kind"], r["owner"], r["name"]): r for r in connection.execute(sa.select(schedule)).mappings()}
    gone = [r["id"] for key, r in stored.items() if key not in wanted]
    changed = {k: s for k, s in wanted.items() if k not in stored or _content(s) != _stored(stored[k])}
    if gone:
        connection.execute(schedule.delete().where(_S.id.in_(gone)))
        outbox.cancel(connection, map(_key, gone))
    for key, asked in changed.items():
        _keep(tenant, connection, key, asked, stored[key]["id"] if key in stored else None)
    return len(gone) + len(changed)


def _keep(tenant: Tenant, connection: Connection, key: _Name, asked: Schedule, number: int | None) -> None:
    now = tenant.clock.now()
    due = next_moment(asked.cron, asked.zone or tenant.time_zone, now)
    values = {**dict(zip(("kind", "owner", "name"), key, strict=True)), **_content(asked), "next_at": due}
    if number is None:
        done = connection.execute(schedule.insert(), values)
        assert done.inserted_primary_key is not None
        number = int(done.inserted_primary_key[0])
    else:
        connection.execute(schedule.update().where(_S.id == number).values(**values))
    outbox.put(connection, now, TOPIC, [_clock(number, due)])


def _content(asked: Schedule) -> dict[str, Any]:
    return {
        "cron": asked.cron,
        "zone": asked.zone,
        "missed": asked.missed,
        "topic": asked.topic,
        "payload": dict(asked.payload),
    }


def _stored(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {k: row[k] for k in ("cron", "zone", "missed", "topic", "payload")}


def _key(number: int) -> str:
    return f"schedule:{number}"


def _clock(number: int, due: datetime) -> Message:
    return Message({"schedule": number, "moment": due.isoformat()}, due, key=_key(number))


def run_due(tenant: Tenant, number: int, moment: datetime) -> None:
    """Make the jobs of a schedule that has become due at ``moment``, and set its next one."""
    tenant.run(SYSTEM, Cause("schedule"), lambda tx: _run_due(tx, number, moment))


def _run_due(tx: Transaction, number: int, moment: datetime) -> None:
    row = tx.connection.execute(sa.select(schedule).where(_S.id == number).with_for_update()).mappings().first()
    if row is None or row["next_at"] != moment:
        return
    zone = row["zone"] or tx.tenant.time_zone
    passed = list(_passed(row["cron"], zone, moment, tx.now))
    due = next_moment(row["cron"], zone, max(passed[-1], tx.now) if row["missed"] != "each" else passed[-1])
    for at in _taken(row["missed"], passed, tx.now):
        payload = {
            **row["payload"],
            "schedule": {
                "owner": row["owner"],
                "name": row["name"],
                "moment": at.isoformat(),
                "missed": len(passed) - 1,
            },
        }
        # One run after the other: the next waits for the one before it.
        tx.trail.enqueue(row["topic"], payload, subject=f"schedule:{number}")
    tx.connection.execute(schedule.update().where(_S.id == number).values(next_at=due, last_at=passed[-1]))
    tx.trail.enqueue_many(TOPIC, [_clock(number, due)])


def _passed(cron: str, zone: str, first: datetime, now: datetime) -> Iterator[datetime]:
    """Yield the moments from ``first`` to now, the last :data:`MOST` of them."""
    found = [first]
    while (at := next_moment(cron, zone, found[-1])) <= now:
        found.append(at)
        if len(found) > MOST:
            found = [*found[1:]]
    yield from found


def _taken(missed: str, passed: list[datetime], now: datetime) -> list[datetime]:
    if missed == "each":
        return passed
    if missed == "skip" and now - passed[-1] > GRACE:
        return []
    return passed[-1:]
