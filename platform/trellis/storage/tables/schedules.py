"""What happens again and again: schedules of documents, and when each is next due."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

schedule = sa.Table(
    "t_schedule",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("kind", text_column(40), nullable=False),
    sa.Column("owner", text_column(90), nullable=False),
    sa.Column("name", text_column(40), nullable=False),
    sa.Column("cron", text_column(120), nullable=False),
    sa.Column("zone", text_column(60)),
    sa.Column("missed", text_column(8), nullable=False),
    sa.Column("topic", text_column(60), nullable=False),
    sa.Column("payload", json_column(), nullable=False),
    sa.Column("next_at", UtcDateTime(), nullable=False),
    sa.Column("last_at", UtcDateTime()),
    sa.Index("ix_t_schedule_owner", "kind", "owner", "name", unique=True),
    sqlite_autoincrement=True,
)
"""One row per schedule of a document (``kind``, ``owner``). ``zone`` null: the organisation's. ``last_at`` is the last moment for
which a job was made. A message of the topic ``schedule`` waits in the outbox for ``next_at``."""
