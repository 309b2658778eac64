"""Runs of automations, and automations that were looked at and did not fire."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "automation_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_automation_run",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("automation", text_column(40), nullable=False),
        sa.Column("digest", text_column(64), nullable=False),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("trigger", text_column(20), nullable=False),
        sa.Column("cause_key", text_column(200)),
        sa.Column("cause", json_column(), nullable=False),
        sa.Column("actor", ID),
        sa.Column("acts_as", text_column(10), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("chain", json_column(), nullable=False),
        sa.Column("given", json_column()),
        sa.Column("saw", json_column()),
        sa.Column("trace", json_column(), nullable=False),
        sa.Column("position", json_column()),
        sa.Column("results", json_column()),
        sa.Column("waits_for", text_column(12)),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("message", text_column()),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index("ix_t_automation_run_record", "t_automation_run", ["object", "record", "id"])
    op.create_index("ix_t_automation_run_name", "t_automation_run", ["automation", "id"])
    op.create_index("ix_t_automation_run_state", "t_automation_run", ["state", "id"])
    caused = sa.text("cause_key IS NOT NULL")
    op.create_index(
        "ix_t_automation_run_cause",
        "t_automation_run",
        ["automation", "cause_key"],
        unique=True,
        sqlite_where=caused,
        postgresql_where=caused,
    )
    op.create_table(
        "t_automation_look",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("actor", ID),
        sa.Column("cause", json_column(), nullable=False),
        sa.Column("rules", json_column(), nullable=False),
        sa.Column("saw", json_column(), nullable=False),
    )
    op.create_index("ix_t_automation_look_record", "t_automation_look", ["object", "record", "id"])
    op.create_index("ix_t_automation_look_at", "t_automation_look", ["at"])
