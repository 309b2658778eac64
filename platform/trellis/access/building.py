"""Works a rule by condition out for the records that exist, in batches, each with its progress in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.access.criteria import rules_on, store
from trellis.access.principal import SYSTEM, Cause
from trellis.access.sync import TOPIC
from trellis.jobs.job import Job
from trellis.storage import system
from trellis.storage.tables.access import access_rule, share
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction import Transaction

BATCH = 500
INLINE_RECORDS = 2000


def build(job: Job) -> None:
    """Look at all records of the rule's object, from where the last committed batch ended. A rule that is gone is done."""
    last: int | None = int(job.payload["last"])
    while last is not None:
        last = job.tenant.run(SYSTEM, Cause("access"), lambda tx, after=last: _next(tx, job, after))  # type: ignore[misc]
        job.saved()


def _next(tx: Transaction, job: Job, after: int) -> int | None:
    last, count, total = _batch(tx, job.payload["rule"], after)
    job.save(tx.connection, done=job.done + count, total=job.total or total, payload={"last": last or after})
    return last


def _batch(tx: Transaction, number: int, after: int) -> tuple[int | None, int, int]:
    """Look at one batch; return the last number (None: that was all), how many records, and how many the object has."""
    rule = tx.connection.execute(sa.select(access_rule).where(access_rule.c.id == number)).mappings().first()
    if rule is None:
        return None, 0, 0
    root = tx.model.object(rule["object"])
    t = root.table
    ids = list(tx.connection.execute(sa.select(t.c.id).where(t.c.id > after).order_by(t.c.id).limit(BATCH)).scalars())
    total = int(tx.connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one()) if not after else 0
    if ids:
        # Locked, so that of a writer and this batch one sees what the other did.
        stored = statements_of(root).fetch(tx.connection, ids, lock=not tx.database.is_sqlite)
        rules = [r for r in rules_on(tx.connection, tx.model, root.name) if r.id == number]
        store(tx, root, rules, list(stored), list(stored.values()), new=[False] * len(stored))
        return ids[-1], len(ids), total
    tx.connection.execute(share.delete().where(share.c.record == 0, share.c.rule == number))
    tx.connection.execute(access_rule.update().where(access_rule.c.id == number).values(state="ready"))
    return None, 0, total


def build_small(tenant: Tenant) -> None:
    """Work out at once the rules of objects with few records; the rest is left to the worker, which shows its progress."""
    for number in _small(tenant):
        last: int | None = 0
        while last is not None:
            last = tenant.run(SYSTEM, Cause("access"), lambda tx, n=number, after=last: _batch(tx, n, after)[0])  # type: ignore[misc]


def _small(tenant: Tenant) -> list[int]:
    c = access_rule.c
    found = []
    with tenant.database.reading() as connection:
        waiting = connection.execute(sa.select(c.id, c.object).where(c.state == "building").order_by(c.id)).all()
        model = tenant.model_in(connection) if waiting else None
        for number, name in waiting:
            assert model is not None
            few = sa.select(model.object(name).table.c.id).limit(INLINE_RECORDS + 1)
            if len(connection.execute(few).all()) <= INLINE_RECORDS:
                found.append(number)
    return found


def progress(tenant: Tenant) -> list[dict[str, object]]:
    """Return the rules that are being worked out: kind, name, object, done, total."""
    c, o = access_rule.c, system.outbox.c
    with tenant.database.reading() as connection:
        rules = {r.id: r for r in connection.execute(sa.select(access_rule).where(c.state == "building"))}
        jobs = {
            r.payload["rule"]: r
            for r in connection.execute(
                sa.select(o.payload, o.done, o.total).where(o.topic == TOPIC, o.state != "done")
            )
        }
    return [
        {
            "kind": r.kind,
            "name": r.name,
            "object": r.object,
            "done": jobs[i].done if i in jobs else 0,
            "total": jobs[i].total if i in jobs else 0,
        }
        for i, r in rules.items()
    ]
