"""Runs, suspensions and grants of scripts."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "scripts_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_script_run",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("pack", text_column(40), nullable=False),
        sa.Column("script", text_column(40), nullable=False),
        sa.Column("digest", text_column(64), nullable=False),
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("event", text_column(40), nullable=False),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("actor", ID),
        sa.Column("mode", text_column(10), nullable=False),
        sa.Column("outcome", text_column(20), nullable=False),
        sa.Column("limit_name", text_column(40)),
        sa.Column("message", text_column()),
        sa.Column("line", sa.Integer),
        sa.Column("steps", ID, nullable=False),
        sa.Column("cpu_ms", sa.Float, nullable=False),
        sa.Column("wall_ms", sa.Float, nullable=False),
        sa.Column("queries", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("writes", sa.Integer, nullable=False),
        sa.Column("signal", sa.Integer, nullable=False),
        sa.Column("log", json_column()),
    )
    op.create_index("ix_t_script_run_script", "t_script_run", ["script", "id"])
    op.create_index("ix_t_script_run_at", "t_script_run", ["at"])
    op.create_table(
        "t_script_suspension",
        sa.Column("script", text_column(40), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", text_column(), nullable=False),
    )
    op.create_table(
        "t_script_grant",
        sa.Column("script", text_column(40), primary_key=True),
        sa.Column("digest", text_column(64), nullable=False),
        sa.Column("approved_by", ID),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
