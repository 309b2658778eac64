"""The record of runs: one row each. Runs of a transaction that fails are kept all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.tables import scripts as tables

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SUSPEND_AFTER = 5
SUSPEND_WITHIN = timedelta(minutes=10)
KEPT = timedelta(days=30)
BAD = ("limit", "crash", "security")
_R = tables.run.c


def write(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store runs."""
    if rows:
        connection.execute(tables.run.insert(), list(rows))


def write_failed(tenant: Tenant, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store runs whose transaction was rolled back, and suspend scripts that keep hitting their limits."""
    if not rows:
        return
    with tenant.database.writing() as connection:
        write(connection, [{**r, "outcome": "undone" if r["outcome"] == "ok" else r["outcome"]} for r in rows])
        for name in sorted({r["script"] for r in rows if r["outcome"] in BAD}):
            _suspend_if_needed(connection, name, rows)


def _suspend_if_needed(connection: Connection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    now = max(r["at"] for r in rows)
    bad = sa.select(sa.func.count()).where(_R.script == name, _R.outcome.in_(BAD), _R.at > now - SUSPEND_WITHIN)
    forbidden = any(r["script"] == name and r["outcome"] == "security" for r in rows)
    if connection.execute(bad).scalar_one() < SUSPEND_AFTER and not forbidden:
        return
    known = connection.execute(sa.select(tables.suspension).where(tables.suspension.c.script == name)).first()
    if known is None:
        reason = (
            "It made a forbidden system call."
            if forbidden
            else f"It reached a limit {SUSPEND_AFTER} times in 10 minutes."
        )
        connection.execute(tables.suspension.insert(), {"script": name, "at": now, "reason": reason})


def suspended(connection: Connection) -> dict[str, str]:
    """Return the suspended scripts with the reason."""
    rows = connection.execute(sa.select(tables.suspension.c.script, tables.suspension.c.reason))
    return {r.script: r.reason for r in rows}


def resume(tenant: Tenant, name: str) -> bool:
    """Let a suspended script run again; return whether it was suspended. Its earlier limits count no more."""
    with tenant.database.writing() as connection:
        done = connection.execute(tables.suspension.delete().where(tables.suspension.c.script == name))
        connection.execute(
            tables.run.update().where(_R.script == name, _R.outcome == "limit").values(outcome="forgiven")
        )
        return bool(done.rowcount)


def granted(connection: Connection) -> dict[str, str]:
    """Return the digests of approved rights by script."""
    return {r.script: r.digest for r in connection.execute(sa.select(tables.grant.c.script, tables.grant.c.digest))}


def grant(tenant: Tenant, name: str, digest: str, approved_by: int | None) -> None:
    """Approve the rights with ``digest`` for a script; an earlier approval is replaced."""
    with tenant.database.writing() as connection:
        connection.execute(tables.grant.delete().where(tables.grant.c.script == name))
        values = {"script": name, "digest": digest, "approved_by": approved_by, "at": tenant.clock.now()}
        connection.execute(tables.grant.insert(), values)


def revoke(tenant: Tenant, name: str) -> bool:
    """Take the approval back; return whether there was one."""
    with tenant.database.writing() as connection:
        return bool(connection.execute(tables.grant.delete().where(tables.grant.c.script == name)).rowcount)


def prune(tenant: Tenant) -> int:
    """Remove runs that went well and are older than 30 days; return how many."""
    with tenant.database.writing() as connection:
        old = tenant.clock.now() - KEPT
        return int(connection.execute(tables.run.delete().where(_R.outcome == "ok", _R.at < old)).rowcount)


def history(tenant: Tenant, script: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Return runs, newest first."""
    query = sa.select(tables.run).order_by(_R.id.desc()).limit(limit)
    if script is not None:
        query = query.where(_R.script == script)
    with tenant.database.reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]
