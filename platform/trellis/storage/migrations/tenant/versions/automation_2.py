"""Secret tokens of automations that messages from outside start."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, text_column

revision, down_revision = "automation_2", "automation_1"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_automation_hook",
        sa.Column("automation", text_column(40), primary_key=True),
        sa.Column("token_hash", text_column(64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", ID),
    )
