"""What administrators see of the jobs of a tenant, and what they can do: try again, cancel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import Principal
from trellis.audit import note_for
from trellis.storage import outbox, system
from trellis.storage.tables.schedules import schedule
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

STATES = (outbox.READY, outbox.HELD, outbox.RUNNING, outbox.DONE, outbox.DEAD, outbox.CANCELLED)
MOST = 500
_O = system.outbox.c
_SHOWN = (
    "id",
    "topic",
    "state",
    "subject",
    "key",
    "due_at",
    "created_at",
    "attempts",
    "error",
    "done",
    "total",
    "worker",
    "leased_until",
)


class UnknownJobState(TrellisError):
    """Jobs have no such state."""

    code = "unknown_job_state"


class UnknownJob(TrellisError):
    """There is no such job."""

    code = "unknown_job"


def jobs(
    connection: Connection,
    *,
    state: str | None = None,
    topic: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Return jobs, newest first, without their payloads; ``before`` is the id at which the page before ended.

    Raises :class:`UnknownJobState`.
    """
    if state is not None and state not in STATES:
        raise UnknownJobState(f"'{state[:20]}' is not one of {', '.join(STATES)}.{did_you_mean(state[:20], STATES)}")
    query = sa.select(*(_O[name] for name in _SHOWN)).order_by(_O.id.desc()).limit(min(max(limit, 1), MOST))
    for column, value in ((_O.state, state), (_O.topic, topic)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(_O.id < before)
    return [dict(r) for r in connection.execute(query).mappings()]


def job_of(connection: Connection, number: int) -> dict[str, Any]:
    """Return one job with its payload. Raises :class:`UnknownJob`."""
    query = sa.select(*(_O[name] for name in _SHOWN), _O.payload).where(_O.id == number)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise UnknownJob("There is no such job.")
    return dict(found)


def health(connection: Connection, now: datetime) -> dict[str, Any]:
    """Return how things stand: jobs by state, how many are due, since when the oldest waits, and the topics of what was given up.

    ``waiting_s`` is the age of the oldest due job in seconds, 0 when nothing is due.
    """
    counts = dict.fromkeys(STATES, 0)
    for state, count in connection.execute(sa.select(_O.state, sa.func.count()).group_by(_O.state)):
        counts[state] = count
    due = sa.and_(_O.state == outbox.READY, _O.due_at <= now)
    number, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(_O.due_at)).where(due)).one()
    dead = sa.select(_O.topic, sa.func.count()).where(_O.state == outbox.DEAD).group_by(_O.topic).order_by(_O.topic)
    return {
        "states": counts,
        "due": number,
        "oldest_due_at": oldest,
        "waiting_s": int((now - oldest).total_seconds()) if oldest else 0,
        "dead_by_topic": {topic: count for topic, count in connection.execute(dead)},
    }


def schedules(connection: Connection) -> list[dict[str, Any]]:
    """Return the schedules, the next one first."""
    c = schedule.c
    query = sa.select(c.kind, c.owner, c.name, c.cron, c.zone, c.missed, c.topic, c.next_at, c.last_at)
    return [dict(r) for r in connection.execute(query.order_by(c.next_at, c.id)).mappings()]


def retry(tenant: Tenant, principal: Principal, numbers: Iterable[int]) -> list[int]:
    """Try jobs again at once: those that were given up begin anew, those that wait after a failure go now; return which."""
    now = tenant.clock.now()
    wanted = sorted(set(numbers))[:MOST]
    dead = sa.and_(_O.id.in_(wanted), _O.state == outbox.DEAD)
    failed = sa.and_(_O.id.in_(wanted), _O.state == outbox.READY, _O.attempts > 0)
    with tenant.publishing_lock() as connection:
        rows = connection.execute(sa.select(_O.id, _O.key, _O.topic).where(sa.or_(dead, failed))).all()
        _give_up_keys(connection, dead)
        done = {"state": outbox.READY, "due_at": now}
        connection.execute(system.outbox.update().where(failed).values(**done))
        connection.execute(system.outbox.update().where(dead).values(**done, attempts=0, error=None))
        _note(tenant, connection, principal, "job_retried", rows)
    return [r.id for r in rows]


def cancel(tenant: Tenant, principal: Principal, numbers: Iterable[int]) -> list[int]:
    """Take jobs back: those that wait never run, dead letters are put away, running ones stop at their next step; return which.

    A short job that runs at this moment may still come to its end.
    """
    wanted = sorted(set(numbers))[:MOST]
    open_states = (*outbox.WAITING, outbox.RUNNING, outbox.DEAD)
    taken = sa.and_(_O.id.in_(wanted), _O.state.in_(open_states))
    with tenant.publishing_lock() as connection:
        rows = connection.execute(sa.select(_O.id, _O.subject, _O.topic).where(taken)).all()
        connection.execute(
            system.outbox.update().where(taken).values(state=outbox.CANCELLED, leased_until=None, holds=None)
        )
        outbox.release(connection, {r.subject for r in rows if r.subject is not None})
        _note(tenant, connection, principal, "job_cancelled", rows)
    return [r.id for r in rows]


def _give_up_keys(connection: Connection, dead: sa.ColumnElement[bool]) -> None:
    """Take the key from dead letters under whose key another row waits, or a newer one of them comes back too."""
    other = system.outbox.alias("other")
    newer = sa.and_(other.c.state == outbox.DEAD, other.c.id > _O.id)
    taken = sa.select(other.c.id).where(other.c.key == _O.key, sa.or_(other.c.state.in_(outbox.WAITING), newer))
    connection.execute(system.outbox.update().where(dead, taken.exists()).values(key=None))


def _note(tenant: Tenant, connection: Connection, principal: Principal, kind: str, rows: Any) -> None:
    if rows:
        detail: Mapping[str, Any] = {"jobs": [r.id for r in rows], "topics": sorted({r.topic for r in rows})}
        note_for(tenant, connection, kind, principal, **detail)
