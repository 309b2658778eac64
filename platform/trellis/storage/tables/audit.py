"""The audit: what happened to accounts, rights and protected data. Rows are added and read, never changed or removed."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

audit = sa.Table(
    "t_audit",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("kind", text_column(40), nullable=False),
    sa.Column("actor", ID),
    sa.Column("behind", ID),
    sa.Column("address", text_column(64)),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("detail", json_column(), nullable=False),
    sa.Index("ix_t_audit_at", "at"),
    sa.Index("ix_t_audit_kind", "kind", "id"),
    sa.Index("ix_t_audit_actor", "actor", "id"),
    sa.Index("ix_t_audit_record", "record", "id"),
)
"""``behind`` is the administrator who had logged in as ``actor``; ``object`` and ``record`` what it was about."""

seal = sa.Table(
    "t_audit_seal",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", ID, nullable=False),
    sa.Column("rows", ID, nullable=False),
    sa.Column("hash", text_column(64), nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
)
"""A sealed batch: all rows behind the one before it, up to ``last``; ``hash`` covers them and the hash before."""
