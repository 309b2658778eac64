"""Absences of people."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, text_column

revision, down_revision = "absences_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_absence",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("stand_in", ID),
        sa.Column("note", text_column(200)),
        sa.Column("created_by", ID),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_absence_user", "t_absence", ["user", "ends_on"])
