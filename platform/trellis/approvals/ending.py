"""The end of a request: the lock goes, the submitter is told, the record moves on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from trellis.access import Principal
from trellis.approvals import desk as states
from trellis.approvals.desk import Case, Desk
from trellis.approvals.due import keep_clocks
from trellis.approvals.messages import both
from trellis.approvals.telling import tell_all
from trellis.automation.performing import perform
from trellis.locks import lifted, lock, unlock_each

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_ACTIONS = {states.APPROVED: "on_approve", states.REJECTED: "on_reject", states.RECALLED: "on_recall"}
BUSY = "approvals_at_work"
"""The note of a transaction that a request itself is writing."""


def finish(desk: Desk, case: Case, state: str) -> None:
    """End a request. Nobody is asked any more, and nobody reaches the record through it."""
    request = case.request
    waiting = case.waiting_for()
    request.state, request.finished_at = state, desk.tx.now
    for step in case.now_open():
        step.state, step.closed_at = states.CLOSED, desk.tx.now
    for seat in case.seats:
        if seat.state == states.OPEN:
            seat.state = states.CLOSED
        seat.reads = False
    desk.event(case, state)
    desk.tell(case, state)
    if state in _ACTIONS:
        desk.todo.append((case, _ACTIONS[state]))
    if state in (states.RECALLED, states.CANCELLED):
        desk.tell(case, "withdrawn", people=waiting)


def lock_record(desk: Desk, case: Case) -> None:
    """Lock the record as the approval says."""
    document = case.approval.lock
    if document is not None:
        name = {n: case.approval.label(n) for n in ("en", "zh")}
        lock(
            desk.tx,
            case.request.object,
            [case.request.record],
            source=case.source,
            reason=both("locked", approval=name),
            open_fields=document.get("open", ()),
            writers=document.get("writers", ()),
        )


def settle(desk: Desk) -> None:
    """Write everything, do what follows from requests that ended, and tell people. Called once, at the end of each operation."""
    desk.flush()
    ended = [c for c in desk.cases.values() if c.request.state != states.PENDING and c.approval.lock is not None]
    for name in sorted({c.request.object for c in ended}):
        unlock_each(desk.tx, name, {c.request.record: c.source for c in ended if c.request.object == name})
    _act(desk)
    for case in desk.cases.values():
        request = case.request
        if request.state == states.APPROVED and request.move_field and request.used_at is None:
            _move(desk, case)
    desk.flush()
    keep_clocks(desk)
    tell_all(desk)


def _act(desk: Desk) -> None:
    """Do what the approvals want done, for all requests of one kind together. Raises ``StepsFailed``."""
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for case, key in desk.todo:
        if key in case.approval.document:
            groups.setdefault((case.approval.name, case.approval.digest, key), []).append(case)
    desk.todo = []
    tx = desk.tx
    for (name, digest, key), cases in groups.items():
        steps = cases[0].approval.document[key]
        with ExitStack() as held:
            for case in cases:
                held.enter_context(lifted(tx, case.source))
            held.enter_context(_at_work(tx))
            records = [c.request.record for c in cases]
            perform(tx, cases[0].request.object, records, steps, source=f"approval:{name}:{key}:{digest[:12]}")


@contextmanager
def _at_work(tx: Transaction) -> Iterator[None]:
    before = tx.notes.get(BUSY)
    tx.notes[BUSY] = True
    try:
        yield
    finally:
        tx.notes[BUSY] = before


def _move(desk: Desk, case: Case) -> None:
    """Move the record into the stage that waited for the approval; tell the submitter where it does not go."""
    request, tx = case.request, desk.tx
    with acting_for(tx, request.submitted_by, request.id), lifted(tx, case.source):
        (outcome,) = tx.update(
            request.object, [{"id": request.record, str(request.move_field): request.move_to}], mode="partial"
        )
    if outcome.errors:
        reasons = [e["message"] for found in outcome.errors.values() for e in found]
        desk.event(case, "not_moved", comment=" ".join(reasons)[:4000])
        desk.tell(case, "not_moved", problem=" ".join(reasons))
    else:
        request.used_at = tx.now


@contextmanager
def acting_for(tx: Transaction, user: int | None, request: int) -> Iterator[None]:
    """Let the transaction write in the name of ``user`` because of a request: what was approved is done whoever voted last."""
    before = tx.principal, tx.cause_json, tx.notes.get(BUSY)
    tx.notes[BUSY] = request
    tx.principal = Principal("system", user, "approval", admin=True, language=tx.principal.language)
    tx.cause_json = {"kind": "approval", "request": request, "because": before[1]}
    try:
        yield
    finally:
        tx.principal, tx.cause_json, tx.notes[BUSY] = before
