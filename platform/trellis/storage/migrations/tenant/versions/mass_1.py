"""Changes of many records as one step."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "mass_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_mass_step",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("change", json_column(), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_mass_step_user", "t_mass_step", ["user", "id"])
    op.create_table(
        "t_mass_row",
        sa.Column("step", ID, primary_key=True),
        sa.Column("record", ID, primary_key=True),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("change", ID),
        sa.Column("problem", json_column()),
    )
    op.create_index("ix_t_mass_row_state", "t_mass_row", ["step", "state", "record"])
