"""Requests for approval with their steps, seats, events and links."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "approvals_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_approval_request",
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
    )
    op.create_index("ix_t_approval_request_record", "t_approval_request", ["record", "state"])
    op.create_index("ix_t_approval_request_by", "t_approval_request", ["submitted_by", "state"])
    op.create_table(
        "t_approval_step",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("request", ID, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("name", text_column(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("due_at", UtcDateTime()),
    )
    op.create_index("ix_t_approval_step_request", "t_approval_step", ["request", "round"])
    op.create_table(
        "t_approval_seat",
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
    )
    op.create_index("ix_t_approval_seat_holder", "t_approval_seat", ["holder", "state"])
    op.create_index("ix_t_approval_seat_record", "t_approval_seat", ["record", "holder"])
    op.create_index("ix_t_approval_seat_request", "t_approval_seat", ["request", "step"])
    op.create_table(
        "t_approval_event",
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
    )
    op.create_index("ix_t_approval_event_request", "t_approval_event", ["request", "id"])
    op.create_table(
        "t_approval_link",
        sa.Column("digest", text_column(64), primary_key=True),
        sa.Column("seat", ID, nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
    )
    op.create_index("ix_t_approval_link_seat", "t_approval_link", ["seat"])
