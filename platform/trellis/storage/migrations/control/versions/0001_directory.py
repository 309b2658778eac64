"""The tenant directory."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, text_column

revision, down_revision = "control_0001", None


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("name", text_column(40), primary_key=True),
        sa.Column("url", text_column(500), nullable=False),
        sa.Column("schema", text_column(63)),
        sa.Column("status", text_column(20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_due_at", UtcDateTime()),
    )
