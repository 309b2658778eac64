"""Change sets that are not published yet."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

draft = sa.Table(
    "t_draft",
    metadata,
    sa.Column("name", text_column(40), primary_key=True),
    sa.Column("label", text_column(120), nullable=False),
    sa.Column("base", text_column(64), nullable=False),
    sa.Column("documents", text_column(), nullable=False),
    sa.Column("removed", json_column(), nullable=False),
    sa.Column("renames", json_column(), nullable=False),
    sa.Column("note", text_column(), nullable=False),
    sa.Column("author", ID),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("changed_at", UtcDateTime(), nullable=False),
)
