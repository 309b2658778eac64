"""Answers to conflicts of upgrades, and data migrations of packs."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "packs_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_pack_choice",
        sa.Column("pack", text_column(40), primary_key=True),
        sa.Column("key", text_column(24), primary_key=True),
        sa.Column("choice", text_column(10), nullable=False),
        sa.Column("author", ID),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_pack_migration",
        sa.Column("pack", text_column(40), primary_key=True),
        sa.Column("version", text_column(80), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("target", text_column(64), nullable=False),
        sa.Column("steps", json_column(), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("changed", ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
