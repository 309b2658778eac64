"""Runs of scripts, scripts that are suspended, and what administrators granted to scripts."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

run = sa.Table(
    "t_script_run",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("pack", text_column(40), nullable=False),
    sa.Column("script", text_column(40), nullable=False),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("model", sa.Integer, nullable=False),
    sa.Column("event", text_column(40), nullable=False),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("actor", ID),
    sa.Column("mode", text_column(10), nullable=False),
    sa.Column("outcome", text_column(20), nullable=False),
    sa.Column("limit_name", text_column(40)),
    sa.Column("message", text_column()),
    sa.Column("line", sa.Integer),
    sa.Column("steps", ID, nullable=False),
    sa.Column("cpu_ms", sa.Float, nullable=False),
    sa.Column("wall_ms", sa.Float, nullable=False),
    sa.Column("queries", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("writes", sa.Integer, nullable=False),
    sa.Column("signal", sa.Integer, nullable=False),
    sa.Column("log", json_column()),
    sa.Index("ix_t_script_run_script", "script", "id"),
    sa.Index("ix_t_script_run_at", "at"),
)
"""One row per invocation. ``outcome``: ok, rejected, error, limit, crash, security, refused."""

suspension = sa.Table(
    "t_script_suspension",
    metadata,
    sa.Column("script", text_column(40), primary_key=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("reason", text_column(), nullable=False),
)
"""Scripts that do not run until an administrator decides."""

grant = sa.Table(
    "t_script_grant",
    metadata,
    sa.Column("script", text_column(40), primary_key=True),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("approved_by", ID),
    sa.Column("at", UtcDateTime(), nullable=False),
)
"""What an administrator approved: the digest of the rights that the script's document asks for."""
