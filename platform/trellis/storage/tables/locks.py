"""Records that are locked: why, what of them is left open, and who may write all the same."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

lock = sa.Table(
    "t_lock",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("source", text_column(80), nullable=False),
    sa.Column("reason", json_column(), nullable=False),
    sa.Column("open_fields", json_column(), nullable=False),
    sa.Column("writers", json_column(), nullable=False),
    sa.Column("actor", ID),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_lock_record", "record", "source", unique=True),
)
"""One row per record and source (``approval:17``, ``action:freeze``, ``hand``): taking one away leaves the others.

``actor`` is who locked it; ``writers`` are rules that name people (``trellis.named_people``).
"""
