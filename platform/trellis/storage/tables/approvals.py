"""Requests for approval: their steps, the seats of those who decide, what happened, and links by mail."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

request = sa.Table(
    "t_approval_request",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("approval", text_column(40), nullable=False),
    sa.Column("digest", text_column(64), nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("stage_group", sa.Integer, nullable=False),
    sa.Column("submitted_by", ID),
    sa.Column("submitted_at", UtcDateTime(), nullable=False),
    sa.Column("comment", text_column(4000)),
    sa.Column("finished_at", UtcDateTime()),
    sa.Column("move_field", text_column(40)),
    sa.Column("move_to", text_column(40)),
    sa.Column("used_at", UtcDateTime()),
    sa.Index("ix_t_approval_request_record", "record", "state"),
    sa.Index("ix_t_approval_request_by", "submitted_by", "state"),
)
"""``digest`` is the version under which the request goes on; ``stage_group`` the group of steps that is open. ``move_…``: the
stage into which the record goes once it is approved; ``used_at`` when that came true or lost its worth."""

step = sa.Table(
    "t_approval_step",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("request", ID, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("name", text_column(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("opened_at", UtcDateTime(), nullable=False),
    sa.Column("closed_at", UtcDateTime()),
    sa.Column("due_at", UtcDateTime()),
    sa.Index("ix_t_approval_step_request", "request", "round"),
)
seat = sa.Table(
    "t_approval_seat",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("request", ID, nullable=False),
    sa.Column("step", ID, nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Column("first", ID),
    sa.Column("holder", ID),
    sa.Column("queue", text_column(40)),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("reads", sa.Boolean, nullable=False),
    sa.Column("why", json_column(), nullable=False),
    sa.Column("asked_at", UtcDateTime(), nullable=False),
    sa.Column("decided_at", UtcDateTime()),
    sa.Column("decided_by", ID),
    sa.Column("comment", text_column(4000)),
    sa.Column("via", text_column(12)),
    sa.Index("ix_t_approval_seat_holder", "holder", "state"),
    sa.Index("ix_t_approval_seat_record", "record", "holder"),
    sa.Index("ix_t_approval_seat_request", "request", "step"),
)
"""One vote. ``first`` is whom the rules named, ``holder`` who votes now: a person, or a group (the negative number of its
principal) from which nobody took it yet, or nobody. ``reads``: the holder reaches the record while the request is pending."""

event = sa.Table(
    "t_approval_event",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("request", ID, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("kind", text_column(20), nullable=False),
    sa.Column("step", text_column(40)),
    sa.Column("actor", ID),
    sa.Column("person", ID),
    sa.Column("comment", text_column(4000)),
    sa.Column("via", text_column(12)),
    sa.Column("data", json_column()),
    sa.Index("ix_t_approval_event_request", "request", "id"),
)
link = sa.Table(
    "t_approval_link",
    metadata,
    sa.Column("digest", text_column(64), primary_key=True),
    sa.Column("seat", ID, nullable=False),
    sa.Column("user", ID, nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    sa.Column("used_at", UtcDateTime()),
    sa.Index("ix_t_approval_link_seat", "seat"),
)
"""Links by which somebody decides without logging in: the SHA-256 of the secret, for one seat and one person, once."""
