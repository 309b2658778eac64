"""The job of a hand-over: chunk by chunk through the ordinary write path, with progress, and on after a crash.

INVARIANT: what a chunk changed, its rows in ``t_handed_record`` and the job's progress are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.jobs.job import Job
from trellis.offboarding.handing_over import DONE, RUNNING, UNDOING, UNDONE
from trellis.storage.tables.handovers import handed_record, handover
from trellis.transaction import Outcome, Transaction
from trellis.transaction.transaction import PARTIAL

CHUNK = 200
_H, _R = handover.c, handed_record.c


def run(job: Job) -> None:
    """Hand over what is left, or give it back."""
    number, undo = int(job.payload["handover"]), bool(job.payload["undo"])
    with job.tenant.database.reading() as connection:
        row = connection.execute(sa.select(handover).where(_H.id == number)).mappings().first()
    if row is None or row["state"] in (DONE, UNDONE):
        return
    actor = Principal("system", row["by"], "hand-over", admin=True)
    cause = Cause("handover", {"handover": number, "undo": True} if undo else {"handover": number})
    if undo:
        while job.tenant.run(actor, cause, lambda tx: _give_back(tx, job, row)):
            job.saved()
    else:
        _hand_over(job, actor, cause, row)
    with job.tenant.database.writing() as connection:
        connection.execute(handover.update().where(_H.id == number).values(state=UNDONE if undo else DONE))


def _hand_over(job: Job, actor: Principal, cause: Cause, row: Any) -> None:
    for name, receivers in sorted(row["rules"]["receivers"].items()):
        while job.tenant.run(actor, cause, lambda tx, n=name, r=receivers: _give(tx, job, row, n, r)):  # type: ignore[misc]
            job.saved()


def _give(tx: Transaction, job: Job, row: Any, name: str, receivers: Sequence[int]) -> int:
    """Give the next records of an object to those whose turn it is; return how many were looked at."""
    if name not in tx.model.object_names:
        return 0
    root, after = tx.model.object(name), int(job.payload.get("after", {}).get(name, 0))
    t, owner = root.table, root.system["owner"].column
    mine = (owner == row["user"], t.c.deleted_at.is_(None), t.c.id > after)
    ids = list(tx.connection.execute(sa.select(t.c.id).where(*mine).order_by(t.c.id).limit(CHUNK)).scalars())
    if not ids:
        return 0
    turn = int(job.payload.get("turns", {}).get(name, 0))
    turns = [receivers[(turn + i) % len(receivers)] for i in range(len(ids))]
    texts = [tx.model.env.format_id("user", u) for u in turns]
    outcomes = tx.update(name, [{"id": i, "owner": u} for i, u in zip(ids, texts, strict=True)], mode=PARTIAL)
    tx.connection.execute(
        handed_record.insert(),
        [
            {"handover": row["id"], "record": i, "object": name, "receiver": u, "state": _state(o)}
            for i, u, o in zip(ids, turns, outcomes, strict=True)
        ],
    )
    done = job.done + len(ids)
    values = {"state": RUNNING, "done": done}
    tx.connection.execute(handover.update().where(_H.id == row["id"]).values(**values))
    payload = {
        "after": {**job.payload.get("after", {}), name: ids[-1]},
        "turns": {**job.payload.get("turns", {}), name: turn + len(ids)},
    }
    job.save(tx.connection, done=done, total=row["total"], payload=payload)
    return len(ids)


def _state(outcome: Outcome) -> str:
    return "refused" if outcome.errors else "given"


def _give_back(tx: Transaction, job: Job, row: Any) -> int:
    """Give the next records back that the receiver still has; return how many were looked at."""
    where = (_R.handover == row["id"], _R.state == "given")
    found = tx.connection.execute(sa.select(handed_record).where(*where).order_by(_R.object, _R.record).limit(CHUNK))
    rows = found.mappings().all()
    by_object: dict[str, list[Any]] = {}
    for one in rows:
        by_object.setdefault(one["object"], []).append(one)
    for name, entries in by_object.items():
        _return(tx, row, name, entries)
    if rows:
        done = job.done + len(rows)
        tx.connection.execute(handover.update().where(_H.id == row["id"]).values(state=UNDOING, done=done))
        job.save(tx.connection, done=done, total=row["total"])
    return len(rows)


def _return(tx: Transaction, row: Any, name: str, entries: Sequence[Any]) -> None:
    receiver = {e["record"]: e["receiver"] for e in entries}
    states = dict.fromkeys(receiver, "kept")
    if name in tx.model.object_names:
        root = tx.model.object(name)
        t, owner = root.table, root.system["owner"].column
        query = sa.select(t.c.id, owner).where(t.c.id.in_(list(receiver)), t.c.deleted_at.is_(None))
        still = sorted(i for i, u in tx.connection.execute(query) if u == receiver[i])
        back = tx.model.env.format_id("user", row["user"])
        outcomes = tx.update(name, [{"id": i, "owner": back} for i in still], mode=PARTIAL) if still else []
        states.update({i: "kept" if o.errors else "returned" for i, o in zip(still, outcomes, strict=True)})
    for state in ("kept", "returned"):
        numbers = [i for i, s in states.items() if s == state]
        if numbers:
            changed = handed_record.update().where(_R.handover == row["id"], _R.record.in_(numbers))
            tx.connection.execute(changed.values(state=state))
