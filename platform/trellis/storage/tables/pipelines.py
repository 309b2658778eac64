"""Where records stand in their pipelines, how long they stood where, and what of the checklists is done."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

stay = sa.Table(
    "t_stage_stay",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("field", text_column(40), nullable=False),
    sa.Column("pipeline", text_column(40), nullable=False),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("stage", text_column(40), nullable=False),
    sa.Column("came_from", text_column(40)),
    sa.Column("entered_at", UtcDateTime(), nullable=False),
    sa.Column("entered_by", ID),
    sa.Column("cause", json_column()),
    sa.Column("left_at", UtcDateTime()),
    sa.Column("left_by", ID),
    sa.Column("next_stage", text_column(40)),
    sa.Column("stuck_at", UtcDateTime()),
    sa.Index("ix_t_stage_stay_record", "record", "field", "left_at"),
    sa.Index("ix_t_stage_stay_stage", "object", "field", "stage", "left_at"),
)
"""One row per stay of a record in a stage; the one without ``left_at`` is where it stands now.

``digest`` names the version of the pipeline under which the stay began.
"""

done = sa.Table(
    "t_stage_activity",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("field", text_column(40), nullable=False),
    sa.Column("pipeline", text_column(40), nullable=False),
    sa.Column("stage", text_column(40), nullable=False),
    sa.Column("activity", text_column(40), nullable=False),
    sa.Column("done_at", UtcDateTime(), nullable=False),
    sa.Column("done_by", ID),
    sa.Index("ix_t_stage_activity_record", "record", "field", "pipeline", "stage", "activity", unique=True),
)
"""Key activities that are done; a row is removed when the tick is taken back."""
