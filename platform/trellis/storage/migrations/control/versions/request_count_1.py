"""Counts of requests, for rate limits. Worth nothing after a crash: PostgreSQL need not log it."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import text_column

revision, down_revision = "request_count_1", "control_0001"


def upgrade() -> None:
    unlogged = ["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else []
    op.create_table(
        "request_count",
        sa.Column("key", text_column(255), primary_key=True),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        prefixes=unlogged,
    )
