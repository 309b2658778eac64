"""Hand-overs of records from one person to others."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "handovers_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_handover",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("by", ID),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("rules", json_column(), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("done", ID, nullable=False),
        sa.Column("total", ID, nullable=False),
        sa.Column("error", text_column()),
    )
    op.create_index("ix_t_handover_user", "t_handover", ["user", "id"])
    op.create_table(
        "t_handed_record",
        sa.Column("handover", ID, primary_key=True),
        sa.Column("record", ID, primary_key=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("receiver", ID, nullable=False),
        sa.Column("state", text_column(12), nullable=False),
    )
