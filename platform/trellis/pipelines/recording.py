"""Stage history: who entered which stage when, and why; written with the move, whichever door it came through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trellis.calendars import WorkingTime, calendars_for, default_calendar, later
from trellis.model import ObjectModel
from trellis.pipelines import stays
from trellis.pipelines.versions import pipelines_of
from trellis.pipelines.walk import Walk, walks
from trellis.storage.outbox import Message
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

STUCK = "stage_stuck"
"""Topic of the message that falls due when a record has stood in a stage for too long."""


def record_stays(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that ends and begins stays in stages."""
    for field in pipelines_of(tx.model, model):
        moved = [w for w in walks(tx, field, list(rows)) if w.moved or w.switched or w.stay is None]
        if moved:
            stays.end(tx.connection, [_end(tx, w) for w in moved if w.stay is not None])
            stays.begin(tx.connection, [_begin(tx, model, w) for w in moved])
            tx.trail.enqueue_many(STUCK, _clocks(tx, model, moved))
            for walk in moved:
                _fact(tx, model, walk)
        # What was decided stays: the write may be taken back and made again. A decision holds its row, so that no other
        # row can be taken for it.


def _end(tx: Transaction, walk: Walk) -> dict[str, Any]:
    assert walk.stay is not None
    return {"b_id": walk.stay.id, "b_at": tx.now, "b_by": tx.principal.user, "b_next": walk.new}


def _begin(tx: Transaction, model: ObjectModel, walk: Walk) -> dict[str, Any]:
    assert walk.pipeline is not None
    return {
        "object": model.name,
        "record": walk.row.id,
        "field": walk.field,
        "pipeline": walk.pipeline.name,
        "digest": _digest(walk),
        "stage": walk.new,
        "came_from": walk.old if walk.moved else None,
        "entered_at": _moment(tx, walk),
        "entered_by": tx.principal.user,
        "cause": tx.cause_json,
    }


def _moment(tx: Transaction, walk: Walk) -> datetime:
    """Return when the stay begins: now, or when the record was last changed before it was brought over."""
    stamp: datetime | None = walk.row.new.get("modified_at") if tx.migration else None
    return stamp or tx.now


def _digest(walk: Walk) -> str:
    """Return the version under which the record goes on: the one with which it began, while it stays in the pipeline."""
    assert walk.pipeline is not None
    if walk.stay is not None and not walk.switched:
        return walk.stay.digest
    return walk.pipeline.digest


def _clocks(tx: Transaction, model: ObjectModel, moved: Sequence[Walk]) -> list[Message]:
    """Return the messages that fall due when records have stood in their new stages for too long."""
    limited = [w for w in moved if w.stage is not None and w.stage.stuck_after is not None]
    working = [w for w in limited if w.stage is not None and w.stage.counts_working_time]
    owners = {id(w): owner.id for w in working if (owner := w.row.value("owner")) is not None}
    known = calendars_for(tx.tenant, tx.connection, owners.values()) if owners else {}
    default = default_calendar(tx.model.snapshot)
    return [_clock(tx, model, w, known.get(owners.get(id(w), 0), default)) for w in limited]


def _clock(tx: Transaction, model: ObjectModel, walk: Walk, calendar: WorkingTime) -> Message:
    stage, began = walk.stage, _moment(tx, walk)
    assert stage is not None and stage.stuck_after is not None
    payload = {"object": model.name, "record": walk.row.id, "field": walk.field, "stage": stage.name}
    due = later(calendar, began, stage.stuck_after) if stage.counts_working_time else began + stage.stuck_after
    return Message({**payload, "entered_at": began.isoformat()}, due)


def _fact(tx: Transaction, model: ObjectModel, walk: Walk) -> None:
    assert walk.pipeline is not None
    data: dict[str, Any] = {"field": walk.field, "pipeline": walk.pipeline.name, "from": walk.old, "to": walk.new}
    if walk.stay is not None:
        data["seconds"] = int((tx.now - walk.stay.entered_at).total_seconds())
    tx.trail.fact("stage_moved", model.name, walk.row.id, data)
