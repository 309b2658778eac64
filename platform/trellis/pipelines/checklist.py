"""The checklist of key activities: ticked and unticked by people who may change the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from trellis.pipelines.path import pipeline_of
from trellis.pipelines.versions import pipelines_of
from trellis.storage.tables.pipelines import done
from trellis.transaction.statements import statements_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_D = done.c


class UnknownActivity(TrellisError):
    """The record's stage has no such key activity, or the object no such stage field."""

    code = "unknown_activity"


def tick(tx: Transaction, object_name: str, record: int, field: str, activity: str, *, is_done: bool) -> bool:
    """Note that a key activity of the record's present stage is done, or not; return whether that is news.

    Raises ``NotFound`` or ``AccessDenied`` where the record may not be changed, :class:`UnknownActivity` for a wrong name.
    """
    tx.update(object_name, [{"id": record}])  # judges the right to change the record, and writes nothing
    model = tx.model.object(object_name)
    known = pipelines_of(tx.model, model)
    if field not in known:
        raise UnknownActivity(
            f"'{object_name}' has no stage field '{field}' with pipelines.{did_you_mean(field, known)}"
        )
    stored = statements_of(model).fetch(tx.connection, [record], lock=not tx.database.is_sqlite)[record]
    pipeline, _ = pipeline_of(tx, model, field, stored)
    stage = pipeline.stages.get(stored.get(field) or "") if pipeline else None
    names = [a["name"] for a in stage.document.get("activities", ())] if stage else []
    if pipeline is None or stage is None or activity not in names:
        raise UnknownActivity(
            f"The record's stage has no key activity '{activity}'.{did_you_mean(activity, names)} "
            f"It has: {', '.join(names) or 'none'}."
        )
    where = (
        (_D.record == record)
        & (_D.field == field)
        & (_D.pipeline == pipeline.name)
        & (_D.stage == stage.name)
        & (_D.activity == activity)
    )
    was_done = tx.connection.execute(sa.select(_D.id).where(where)).first() is not None
    if was_done == is_done:
        return False
    if is_done:
        tx.connection.execute(
            done.insert(),
            {
                "object": object_name,
                "record": record,
                "field": field,
                "pipeline": pipeline.name,
                "stage": stage.name,
                "activity": activity,
                "done_at": tx.now,
                "done_by": tx.principal.user,
            },
        )
    else:
        tx.connection.execute(done.delete().where(where))
    kind = "activity_done" if is_done else "activity_undone"
    tx.trail.fact(kind, object_name, record, {"field": field, "stage": stage.name, "activity": activity})
    return True
