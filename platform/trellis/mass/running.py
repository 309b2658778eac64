"""Trying a change out, and carrying it out: at once for few records, by the worker for many, chunk by chunk.

INVARIANT: what became of the records of a chunk is stored in the transaction that writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause, Principal
from trellis.jobs.asking import asked_by, principal_of_job
from trellis.jobs.job import Job, JobFailed
from trellis.mass import steps
from trellis.mass.change import BadMassChange, MassChange
from trellis.mass.steps import AT_ONCE, TOPIC, Step, step_of
from trellis.mass.undoing import undo_chunk
from trellis.notifications import notify
from trellis.storage import system
from trellis.transaction import Outcome, Transaction
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

PREVIEWED, CHUNK, MAX_RECORDS = 200, 200, 50_000
_C = system.change.c


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would do to the ``tried`` first of ``total`` records: how many change, and what is refused and why."""

    total: int
    tried: int
    changed: int
    same: int
    refused: Sequence[tuple[int, Mapping[str, Any]]]


def try_out(tenant: Tenant, principal: Principal, change: MassChange, ids: Sequence[int]) -> Trial:
    """Carry a change out on the first records and roll it back. Raises as :meth:`MassChange.check`."""
    some = list(dict.fromkeys(ids))[:PREVIEWED]

    def body(tx: Transaction) -> list[Outcome]:
        return change.carry_out(tx, some) if some else []

    outcomes = tenant.run(principal, Cause("mass"), body, preview=True)
    by_action = _own(change, some, outcomes)
    refused = [(i, o.errors) for i, o in by_action if o.errors]
    same = sum(o.action == "unchanged" for _, o in by_action)
    return Trial(len(set(ids)), len(some), len(some) - len(refused) - same, same, refused)


def _own(change: MassChange, ids: Sequence[int], outcomes: Sequence[Outcome]) -> list[tuple[int, Outcome]]:
    """Return the outcomes of the records that were named; a deletion also tells of what hung on them."""
    named = {o.id: o for o in outcomes if o.object == change.object and o.id is not None}
    return [(i, named[i]) for i in ids if i in named]


def start(tenant: Tenant, principal: Principal, change: MassChange, ids: Sequence[int]) -> Step:
    """Begin a step over records and, when they are few, carry it out; the worker does the others.

    Raises as :meth:`MassChange.check`, and :class:`BadMassChange` for none or too many records.
    """
    wanted = list(dict.fromkeys(ids))
    user = principal.user
    if user is None or not wanted:
        raise BadMassChange("A change of many records needs at least one, and a person who makes it.")
    if len(wanted) > MAX_RECORDS:
        raise BadMassChange(
            f"{len(wanted)} records are too many for one step, expected at most {MAX_RECORDS}. Filter the list."
        )

    def body(tx: Transaction) -> int:
        change.check(principal, tx.model.object(change.object))
        step = steps.begin(tx.connection, user, change, wanted, tx.now)
        if len(wanted) <= AT_ONCE:
            _chunk(tx, step, change)
            steps.move(tx.connection, step, steps.RUNNING, steps.FINISHED)
        else:
            tx.trail.enqueue(TOPIC, {"step": step, "undo": False, **asked_by(principal)})
        return step

    step = tenant.run(principal, Cause("mass"), body)
    with tenant.database.reading() as connection:
        return step_of(connection, principal, step)


def _chunk(tx: Transaction, step: int, change: MassChange) -> int:
    """Carry the change out on the next records of a step; return how many there were."""
    ids = [record for record, _ in steps.next_rows(tx.connection, step, steps.WAITING, CHUNK)]
    if not ids:
        return 0
    last = tx.connection.execute(sa.select(sa.func.max(_C.id))).scalar() or 0
    outcomes = dict(_own(change, ids, change.carry_out(tx, ids)))
    tx.trail.flush()
    written = _changes(tx, change.object, ids, last)
    steps.mark(tx.connection, step, [_marked(i, outcomes.get(i), written.get(i)) for i in ids])
    return len(ids)


def _marked(record: int, outcome: Outcome | None, change: int | None) -> dict[str, Any]:
    if outcome is None or outcome.errors:
        problem = outcome.errors if outcome else {"_record": [{"code": "not_found", "message": "It is gone."}]}
        return {"record": record, "state": steps.REFUSED, "problem": problem}
    if outcome.action == "unchanged":
        return {"record": record, "state": steps.SAME}
    return {"record": record, "state": steps.DONE, "change": change}


def _changes(tx: Transaction, object_name: str, ids: Sequence[int], after: int) -> dict[int, int]:
    """Return the first change that the history holds of each record beyond the number ``after``: the step's own."""
    query = (
        sa.select(_C.record, sa.func.min(_C.id))
        .where(_C.record.in_(list(ids)), _C.object == object_name, _C.id > after)
        .group_by(_C.record)
    )
    return {record: number for record, number in tx.connection.execute(query)}


def run_job(job: Job) -> None:
    """Carry out, or take back, what is left of a step. Raises :class:`JobFailed` for what no repetition can mend."""
    principal, step = principal_of_job(job), int(job.payload["step"])
    undoing = bool(job.payload["undo"])
    try:
        with job.tenant.database.reading() as connection:
            found = step_of(connection, principal, step)
        while _next_chunk(job, principal, found, undoing=undoing):
            job.saved()
        with job.tenant.database.writing() as connection:
            before, after = (steps.UNDOING, steps.TAKEN_BACK) if undoing else (steps.RUNNING, steps.FINISHED)
            if steps.move(connection, step, before, after):
                _tell(job.tenant, connection, found, undoing=undoing)
    except TrellisError as problem:
        if problem.code in ("stale_model", "lease_lost"):
            raise
        raise JobFailed(problem.message) from problem


def _next_chunk(job: Job, principal: Principal, step: Step, *, undoing: bool) -> int:
    def body(tx: Transaction) -> int:
        count = undo_chunk(tx, step.id, step.change, CHUNK) if undoing else _chunk(tx, step.id, step.change)
        job.save(tx.connection, done=job.done + count, total=step.total)
        return count

    return job.tenant.run(principal, Cause("mass", {"job": job.id}), body)


def _tell(tenant: Tenant, connection: Any, step: Step, *, undoing: bool) -> None:
    texts = (
        {"en": "The change of many records was taken back", "zh": "批量修改已撤销"}
        if undoing
        else {"en": "The change of many records is done", "zh": "批量修改已完成"}
    )
    notify(tenant, connection, [step.user], "job_done", texts, url=f"/o/{step.object}/mass/{step.id}")
