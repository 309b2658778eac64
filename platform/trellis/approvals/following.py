"""What the write path tells approvals: records that change or go while they are being approved, and people who leave.

A request goes on under the version with which it began. A watched field that changes starts it anew or cancels it; a deleted
record cancels it, and a restored record is submitted again. Somebody who is no longer active passes his seats on: to his stand-in,
else to the managers above him; where nobody may have the seat it stays empty, still demands its vote, and an administrator passes
it on. What the request itself writes is no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.absences import stand_ins
from trellis.approvals import desk as states
from trellis.approvals.advancing import restart
from trellis.approvals.approval import has_approvals, version_of
from trellis.approvals.changing import receiver_problem
from trellis.approvals.desk import Case, Desk, OpenStep, Seat
from trellis.approvals.ending import BUSY, finish, settle
from trellis.approvals.telling import administrators
from trellis.approvals.timing import managers_above
from trellis.clock import today
from trellis.model import ObjectModel
from trellis.pipelines.versions import pipelines_of
from trellis.storage.tables import approvals as t
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_R, _S = t.request.c, t.seat.c


def follow_records(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that looks at the requests of written records."""
    if model.name == "user":
        _follow_people(tx, rows)
    changed = {r.id: r for r in rows if r.old is not None and r.id is not None}
    if not changed or not has_approvals(tx.model, model.name) or tx.notes.get(BUSY):
        return
    desk = Desk(tx, bare=True)
    cases = desk.load(live_requests(tx.connection, list(changed)))
    for case in cases:
        _follow(desk, case, changed[case.request.record])
    _void(tx, model, changed)
    if cases:
        settle(desk)


def live_requests(connection: Connection, records: Sequence[int]) -> list[int]:
    """Return the requests of records that are pending or sent back."""
    found: list[int] = []
    for start in range(0, len(records), 500):
        query = sa.select(_R.id).where(_R.record.in_(list(records[start : start + 500])), _R.state.in_(states.LIVE))
        found.extend(connection.execute(query).scalars())
    return found


def _follow(desk: Desk, case: Case, row: Row) -> None:
    if row.new.get("deleted_at") is not None:
        desk.event(case, "record_deleted")
        finish(desk, case, states.CANCELLED)
        return
    touched = sorted(case.approval.watched.intersection(row.changed))
    if not touched or case.request.state != states.PENDING:
        return
    if case.approval.on_change == "cancel":
        desk.event(case, "record_changed", fields=touched)
        finish(desk, case, states.CANCELLED)
    else:
        restart(desk, case, 0, "restarted", fields=touched)


def _void(tx: Transaction, model: ObjectModel, changed: dict[int, Row]) -> None:
    """End the worth of approvals that were given: used by the move that waited for them, or what was approved changes."""
    query = sa.select(_R.id, _R.record, _R.approval, _R.digest).where(
        _R.record.in_(list(changed)), _R.state == states.APPROVED, _R.used_at.is_(None)
    )
    waiting = tx.connection.execute(query).all()
    gone = [w.id for w in waiting if _ends(tx, model, w.approval, w.digest, changed[w.record])]
    if gone:
        tx.connection.execute(t.request.update().where(_R.id.in_(gone)).values(used_at=tx.now))


def _ends(tx: Transaction, model: ObjectModel, name: str, digest: str, row: Row) -> bool:
    approval = version_of(tx.connection, tx.model, name, digest, bare=True)
    read = {p.split(".")[0] for f in (approval.when, *(s.when for s in approval.steps.values())) if f for p in f.paths}
    touched = (approval.watched | read).intersection(row.changed)
    return bool(touched) or "deleted_at" in row.changed or _moves(tx, model, name, row)


def _moves(tx: Transaction, model: ObjectModel, approval: str, row: Row) -> bool:
    """Whether the write brings the record into a stage that asks for the approval."""
    return any(
        stage.name == row.new.get(field) and stage.approval == approval
        for field, pipelines in pipelines_of(tx.model, model).items()
        if field in row.changed
        for pipeline in pipelines
        for stage in pipeline.stages.values()
    )


def _follow_people(tx: Transaction, rows: Sequence[Row]) -> None:
    left = [r.id for r in rows if r.id is not None and r.old is not None and _leaves(r)]
    if not left:
        return
    query = sa.select(_S.request).where(_S.holder.in_(left), _S.state == states.OPEN).distinct()
    numbers = list(tx.connection.execute(query).scalars())
    if not numbers:
        return
    desk = Desk(tx, bare=True)
    for case in desk.load(numbers):
        for row in case.now_open():
            for seat in case.seats_of(row):
                if seat.state == states.OPEN and seat.holder in left:
                    _pass_on(desk, case, row, seat)
    settle(desk)


def _leaves(row: Row) -> bool:
    return ("active" in row.changed and row.new.get("active") is False) or row.new.get("deleted_at") is not None


def _pass_on(desk: Desk, case: Case, row: OpenStep, seat: Seat) -> None:
    """Give the seat of somebody who left to the one who comes next, or to nobody."""
    tx, before = desk.tx, seat.holder
    assert before is not None
    day = today(tx.tenant.clock, tx.tenant.time_zone)
    stand_in = stand_ins(tx.connection, tx.model, [before], day).get(before)
    wanted = [*([] if stand_in is None else [stand_in]), *managers_above(desk, before)]
    seat.holder = next((u for u in wanted if receiver_problem(desk, case, row, u) is None), None)
    seat.asked_at = tx.now
    desk.event(case, "left" if seat.holder else "vacant", step=row, person=seat.holder, came_from=before)
    if seat.holder is None:
        desk.tell(case, "vacant", people=administrators(desk))
    else:
        desk.tell(case, "reassigned", people=[seat.holder])
