"""The stays of records in stages: read, begun and ended in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.prepared import Prepared
from trellis.storage.tables.pipelines import done, stay

_S, _D = stay.c, done.c
_OPEN = sa.select(_S.id, _S.record, _S.pipeline, _S.digest, _S.stage, _S.entered_at, _S.entered_by, _S.stuck_at).where(
    _S.field == sa.bindparam("field"), _S.record.in_(sa.bindparam("records", expanding=True)), _S.left_at.is_(None)
)
_BEGIN = Prepared.insert(
    stay,
    "object",
    "record",
    "field",
    "pipeline",
    "digest",
    "stage",
    "came_from",
    "entered_at",
    "entered_by",
    "cause",
)
_END = (
    stay.update()
    .where(_S.id == sa.bindparam("b_id"))
    .values(
        left_at=sa.bindparam("b_at", type_=_S.left_at.type),
        left_by=sa.bindparam("b_by", type_=_S.left_by.type),
        next_stage=sa.bindparam("b_next", type_=_S.next_stage.type),
    )
)
_TICKS = sa.select(_D.record, _D.pipeline, _D.stage, _D.activity).where(
    _D.field == sa.bindparam("field"), _D.record.in_(sa.bindparam("records", expanding=True))
)
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a record stands now, since when, and under which version of which pipeline."""

    id: int
    record: int
    pipeline: str
    digest: str
    stage: str
    entered_at: datetime
    entered_by: int | None
    stuck_at: datetime | None


def open_stays(connection: Connection, field: str, records: Sequence[int]) -> dict[int, Stay]:
    """Return where records stand, by record; a record that never passed a pipeline is absent."""
    found: dict[int, Stay] = {}
    for start in range(0, len(records), CHUNK):
        rows = connection.execute(_OPEN, {"field": field, "records": records[start : start + CHUNK]})
        found.update((row.record, Stay(*row)) for row in rows)
    return found


def ticks(connection: Connection, field: str, records: Sequence[int]) -> dict[int, set[tuple[str, str, str]]]:
    """Return the key activities that are done, as (pipeline, stage, activity) by record."""
    found: dict[int, set[tuple[str, str, str]]] = {}
    for start in range(0, len(records), CHUNK):
        for record, *rest in connection.execute(_TICKS, {"field": field, "records": records[start : start + CHUNK]}):
            found.setdefault(record, set()).add((rest[0], rest[1], rest[2]))
    return found


def begin(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note that records entered a stage."""
    _BEGIN.run_many(connection, rows)


def end(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Note that records left a stage: ``b_id``, ``b_at``, ``b_by``, ``b_next``."""
    listed = list(rows)
    if listed:
        connection.execute(_END, listed)


def stays_of(connection: Connection, object_name: str, record: int, field: str) -> Sequence[Any]:
    """Return all stays of a record, oldest first."""
    query = sa.select(stay).where(_S.record == record, _S.object == object_name, _S.field == field)
    return connection.execute(query.order_by(_S.id)).all()


def done_activities(
    connection: Connection, field: str, record: int, pipeline: str
) -> dict[tuple[str, str], tuple[datetime, int | None]]:
    """Return when and by whom the key activities of a record were done, by (stage, activity)."""
    query = sa.select(_D.stage, _D.activity, _D.done_at, _D.done_by).where(
        _D.record == record, _D.field == field, _D.pipeline == pipeline
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
