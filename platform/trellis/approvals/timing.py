"""Deadlines of steps, in working time where the approval says so, and what happens when they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.approvals import desk as states
from trellis.approvals.advancing import close
from trellis.approvals.approval import Deadline
from trellis.approvals.changing import receiver_problem
from trellis.approvals.desk import Case, Desk, OpenStep
from trellis.approvals.due import keys_of
from trellis.approvals.ending import settle
from trellis.named_people import resolve
from trellis.named_people.directory import PeopleDirectory
from trellis.storage.tables import approvals as t

if TYPE_CHECKING:
    from trellis.tenant import Tenant
    from trellis.transaction.transaction import Transaction


def fall_due(tenant: Tenant, payload: Mapping[str, Any]) -> None:
    """Remind, or do what a step's deadline says; nothing if the step is decided or has done so already."""
    tenant.run(SYSTEM, Cause("approval_deadline"), lambda tx: _fall_due(tx, payload))


def _fall_due(tx: Transaction, payload: Mapping[str, Any]) -> None:
    c = t.request.c
    if tx.connection.execute(sa.select(c.id).where(c.id == payload["request"])).first() is None:
        return
    desk = Desk(tx, bare=True)
    (case,) = desk.load([payload["request"]])
    row = next((s for s in case.now_open() if s.id == payload["step"]), None)
    if row is None or case.request.state != states.PENDING:
        return
    if payload["what"] == "remind":
        if not _reminded(tx, case, payload["key"]):
            _remind(desk, case, row, payload["key"])
    elif row.due_at is not None:
        row.due_at = None
        _deadline(desk, case, row)
    settle(desk)


def _reminded(tx: Transaction, case: Case, key: str) -> bool:
    """Whether this reminder was given: a message may be delivered twice."""
    c = t.event.c
    query = sa.select(c.data).where(c.request == case.request.id, c.kind == "reminded")
    return any((data or {}).get("key") == key for data in tx.connection.execute(query).scalars())


def _remind(desk: Desk, case: Case, row: OpenStep, key: str) -> None:
    people = case.waiting_for()
    desk.event(case, "reminded", step=row, key=key, count=len(people))
    desk.tell(case, "reminded", people=people)


def _deadline(desk: Desk, case: Case, row: OpenStep) -> None:
    deadline = case.definition(row).deadline
    desk.event(case, "overdue", step=row)
    if deadline is not None and deadline.then == "reject":
        close(desk, case, row, states.REJECTED)
    elif deadline is not None and deadline.then == "escalate":
        _escalate(desk, case, row, deadline)
    else:
        _remind(desk, case, row, keys_of(row)[0])


def _escalate(desk: Desk, case: Case, row: OpenStep, deadline: Deadline) -> None:
    """Pass every seat that did not answer on. A seat for which there is nobody stays where it is."""
    seats = [s for s in case.seats_of(row) if s.state == states.OPEN]
    receivers = _receivers(desk, case, deadline)
    told = []
    for seat in seats:
        wanted = receivers(seat.holder)
        to = next((u for u in wanted if receiver_problem(desk, case, row, u) is None), None)
        if to is None:
            continue
        before, seat.holder, seat.asked_at = seat.holder, to, desk.tx.now
        desk.event(case, "escalated", step=row, person=to, came_from=before)
        told.append(to)
    if told:
        desk.tell(case, "reassigned", people=told)


def _receivers(desk: Desk, case: Case, deadline: Deadline) -> Any:
    """Return who may get a seat of somebody: those whom the rules name, else his manager and those above."""
    if deadline.to is not None:
        root = desk.tx.model.object(case.request.object)
        (named,) = resolve(desk.tx, root, deadline.to, [case.values], [case.request.submitted_by])
        return lambda holder: named.users
    return lambda holder: managers_above(desk, holder)


def managers_above(desk: Desk, user: int | None) -> list[int]:
    """Return the active managers above somebody, nearest first."""
    if user is None or user < 0:
        return []
    people = PeopleDirectory(desk.tx)
    people.load_managers([user], 10)
    found = (people.manager(user, level) for level in range(1, 11))
    return [m for m in found if m is not None]
