"""Drafts get a label, renames, a note and a version. Nothing ever wrote the table, so it is made anew."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "drafts_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_table("t_draft")
    op.create_table(
        "t_draft",
        sa.Column("name", text_column(40), primary_key=True),
        sa.Column("label", text_column(120), nullable=False),
        sa.Column("base", text_column(64), nullable=False),
        sa.Column("documents", text_column(), nullable=False),
        sa.Column("removed", json_column(), nullable=False),
        sa.Column("renames", json_column(), nullable=False),
        sa.Column("note", text_column(), nullable=False),
        sa.Column("author", ID),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )
