"""Which records of somebody have been too long in the stage in which they stand."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.model import ObjectModel
from trellis.storage.tables.pipelines import stay

MAX_RECORDS = 100
_S = stay.c


def stuck_records(connection: Connection, root: ObjectModel, owner: int) -> dict[int, datetime]:
    """Return the numbers of the records that a user owns and that are stuck, with the moment of entering their stage.

    The longest first, at most :data:`MAX_RECORDS`. Which of them the asker may see is the caller's to ask.
    """
    t = root.table
    query = (
        sa.select(_S.record, _S.entered_at)
        .join(t, t.c.id == _S.record)
        .where(_S.object == root.name, _S.left_at.is_(None), _S.stuck_at.is_not(None))
        .where(t.c.owner == owner, t.c.deleted_at.is_(None))
        .order_by(_S.entered_at)
        .limit(MAX_RECORDS)
    )
    return {record: entered for record, entered in connection.execute(query)}
