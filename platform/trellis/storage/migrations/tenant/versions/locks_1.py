"""Locks of records."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "locks_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_lock",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("source", text_column(80), nullable=False),
        sa.Column("reason", json_column(), nullable=False),
        sa.Column("open_fields", json_column(), nullable=False),
        sa.Column("writers", json_column(), nullable=False),
        sa.Column("actor", ID),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_lock_record", "t_lock", ["record", "source"], unique=True)
