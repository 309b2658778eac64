"""Packs: answers to conflicts of upgrades, and data migrations that are to run or have run."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

pack_choice = sa.Table(
    "t_pack_choice",
    metadata,
    sa.Column("pack", text_column(40), primary_key=True),
    sa.Column("key", text_column(24), primary_key=True),
    sa.Column("choice", text_column(10), nullable=False),
    sa.Column("author", ID),
    sa.Column("at", UtcDateTime(), nullable=False),
)
pack_migration = sa.Table(
    "t_pack_migration",
    metadata,
    sa.Column("pack", text_column(40), primary_key=True),
    sa.Column("version", text_column(80), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("target", text_column(64), nullable=False),
    sa.Column("steps", json_column(), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("changed", ID, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("cursor", text_column(200)),
)
