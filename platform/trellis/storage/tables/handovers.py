"""Hand-overs: what somebody owned, to whom it went, and how to take that back."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

handover = sa.Table(
    "t_handover",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("by", ID),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("rules", json_column(), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("done", ID, nullable=False),
    sa.Column("total", ID, nullable=False),
    sa.Column("error", text_column()),
    sa.Index("ix_t_handover_user", "user", "id"),
)
"""``state``: waiting, running, done, undoing, undone, failed."""

handed_record = sa.Table(
    "t_handed_record",
    metadata,
    sa.Column("handover", ID, primary_key=True),
    sa.Column("record", ID, primary_key=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("receiver", ID, nullable=False),
    sa.Column("state", text_column(12), nullable=False),
)
"""One record of a hand-over. ``state``: given, returned, kept (changed hands since, so it was not taken back)."""
