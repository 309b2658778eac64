"""The control database: the directory that says where each tenant lives. The only other place that opens engines."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.types import UtcDateTime, text_column

metadata = sa.MetaData()

tenant = sa.Table(
    "tenant",
    metadata,
    sa.Column("name", text_column(40), primary_key=True),
    sa.Column("url", text_column(500), nullable=False),
    sa.Column("schema", text_column(63)),
    sa.Column("status", text_column(20), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("next_due_at", UtcDateTime()),
)
request_count = sa.Table(
    "request_count",
    metadata,
    sa.Column("key", text_column(255), primary_key=True),
    sa.Column("hits", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)
"""Requests in the current window of each rate limit; ``expires_at`` is its end in seconds since 1970."""
