"""What belongs to one user alone: preferences, favourites, saved views, messages."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "people_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_preference",
        sa.Column("user", ID, primary_key=True),
        sa.Column("name", text_column(40), primary_key=True),
        sa.Column("value", json_column(), nullable=False),
    )
    op.create_table(
        "t_bookmark",
        sa.Column("user", ID, primary_key=True),
        sa.Column("kind", text_column(12), primary_key=True),
        sa.Column("object", text_column(40), primary_key=True),
        sa.Column("record", ID, primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_bookmark_at", "t_bookmark", ["user", "kind", "at"])
    op.create_table(
        "t_saved_view",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("label", text_column(80), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("columns", json_column(), nullable=False),
        sa.Column("filter", json_column()),
        sa.Column("sort", json_column(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_saved_view_object", "t_saved_view", ["object", "owner"])
    op.create_table(
        "t_notification",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", text_column(40), nullable=False),
        sa.Column("text", json_column(), nullable=False),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("url", text_column(300)),
        sa.Column("read_at", UtcDateTime()),
    )
    op.create_index("ix_t_notification_user", "t_notification", ["user", "id"])
