"""What automations did, are doing, and did not do."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

_CAUSED = sa.text("cause_key IS NOT NULL")
run = sa.Table(
    "t_automation_run",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("automation", text_column(40), nullable=False),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("trigger", text_column(20), nullable=False),
    sa.Column("cause_key", text_column(200)),
    sa.Column("cause", json_column(), nullable=False),
    sa.Column("actor", ID),
    sa.Column("acts_as", text_column(10), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("chain", json_column(), nullable=False),
    sa.Column("given", json_column()),
    sa.Column("saw", json_column()),
    sa.Column("trace", json_column(), nullable=False),
    sa.Column("position", json_column()),
    sa.Column("results", json_column()),
    sa.Column("waits_for", text_column(12)),
    sa.Column("started_at", UtcDateTime(), nullable=False),
    sa.Column("due_at", UtcDateTime()),
    sa.Column("finished_at", UtcDateTime()),
    sa.Column("message", text_column()),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Index("ix_t_automation_run_record", "object", "record", "id"),
    sa.Index("ix_t_automation_run_name", "automation", "id"),
    sa.Index("ix_t_automation_run_state", "state", "id"),
    sa.Index(
        "ix_t_automation_run_cause",
        "automation",
        "cause_key",
        unique=True,
        sqlite_where=_CAUSED,
        postgresql_where=_CAUSED,
    ),
)
"""One row per run. ``cause_key`` names what started it where no write did (a moment, a message): one run for each.

``digest`` names the version of the document under which it began. ``chain`` are the automations and records that led to it,
``position`` where it waits (``waits_for``: ``time`` or ``condition``), ``results`` what its steps made so far.
"""

look = sa.Table(
    "t_automation_look",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("actor", ID),
    sa.Column("cause", json_column(), nullable=False),
    sa.Column("rules", json_column(), nullable=False),
    sa.Column("saw", json_column(), nullable=False),
    sa.Index("ix_t_automation_look_record", "object", "record", "id"),
    sa.Index("ix_t_automation_look_at", "at"),
)
"""Automations that were looked at and did not fire: one row per record and write. ``rules`` maps them to the reason."""

hook = sa.Table(
    "t_automation_hook",
    metadata,
    sa.Column("automation", text_column(40), primary_key=True),
    sa.Column("token_hash", text_column(64), nullable=False),
    sa.Column("made_at", UtcDateTime(), nullable=False),
    sa.Column("made_by", ID),
)
"""The secret token of an automation that messages from outside start, as its SHA-256."""
