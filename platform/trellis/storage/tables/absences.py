"""Who is away from when until when, and who stands in."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, text_column

absence = sa.Table(
    "t_absence",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("stand_in", ID),
    sa.Column("note", text_column(200)),
    sa.Column("created_by", ID),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_absence_user", "user", "ends_on"),
)
"""``starts_on`` and ``ends_on`` are the first and the last day, in the organisation's zone. Without ``stand_in`` the person is
away and nobody acts for him."""
