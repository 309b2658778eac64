"""Schedules of documents."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "schedules_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_schedule",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", text_column(40), nullable=False),
        sa.Column("owner", text_column(90), nullable=False),
        sa.Column("name", text_column(40), nullable=False),
        sa.Column("cron", text_column(120), nullable=False),
        sa.Column("zone", text_column(60)),
        sa.Column("missed", text_column(8), nullable=False),
        sa.Column("topic", text_column(60), nullable=False),
        sa.Column("payload", json_column(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_t_schedule_owner", "t_schedule", ["kind", "owner", "name"], unique=True)
