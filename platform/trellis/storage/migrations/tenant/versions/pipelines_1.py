"""Stays in stages and key activities that are done."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "pipelines_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_stage_stay",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("field", text_column(40), nullable=False),
        sa.Column("pipeline", text_column(40), nullable=False),
        sa.Column("digest", text_column(64), nullable=False),
        sa.Column("stage", text_column(40), nullable=False),
        sa.Column("came_from", text_column(40)),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", ID),
        sa.Column("cause", json_column()),
        sa.Column("left_at", UtcDateTime()),
        sa.Column("left_by", ID),
        sa.Column("next_stage", text_column(40)),
        sa.Column("stuck_at", UtcDateTime()),
    )
    op.create_index("ix_t_stage_stay_record", "t_stage_stay", ["record", "field", "left_at"])
    op.create_index("ix_t_stage_stay_stage", "t_stage_stay", ["object", "field", "stage", "left_at"])
    op.create_table(
        "t_stage_activity",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("field", text_column(40), nullable=False),
        sa.Column("pipeline", text_column(40), nullable=False),
        sa.Column("stage", text_column(40), nullable=False),
        sa.Column("activity", text_column(40), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=False),
        sa.Column("done_by", ID),
    )
    op.create_index(
        "ix_t_stage_activity_record",
        "t_stage_activity",
        ["record", "field", "pipeline", "stage", "activity"],
        unique=True,
    )
