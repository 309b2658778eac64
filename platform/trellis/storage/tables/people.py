"""What belongs to one user alone: preferences, favourites, saved views, messages."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

preference = sa.Table(
    "t_preference",
    metadata,
    sa.Column("user", ID, primary_key=True),
    sa.Column("name", text_column(40), primary_key=True),
    sa.Column("value", json_column(), nullable=False),
)
bookmark = sa.Table(
    "t_bookmark",
    metadata,
    sa.Column("user", ID, primary_key=True),
    sa.Column("kind", text_column(12), primary_key=True),
    sa.Column("object", text_column(40), primary_key=True),
    sa.Column("record", ID, primary_key=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_bookmark_at", "user", "kind", "at"),
)
saved_view = sa.Table(
    "t_saved_view",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("owner", ID, nullable=False),
    sa.Column("label", text_column(80), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("columns", json_column(), nullable=False),
    sa.Column("filter", json_column()),
    sa.Column("sort", json_column(), nullable=False),
    sa.Column("settings", json_column()),
    sa.Column("changed_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_saved_view_object", "object", "owner"),
)
notification = sa.Table(
    "t_notification",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("kind", text_column(40), nullable=False),
    sa.Column("text", json_column(), nullable=False),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("url", text_column(300)),
    sa.Column("read_at", UtcDateTime()),
    sa.Index("ix_t_notification_user", "user", "id"),
)
