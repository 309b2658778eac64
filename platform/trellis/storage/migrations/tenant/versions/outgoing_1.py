"""The delivery log, secrets for other systems, mails that came in, and where a file's bytes lie."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "outgoing_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_secret",
        sa.Column("name", text_column(120), primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_delivery",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("token", text_column(32), nullable=False),
        sa.Column("carrier", text_column(40), nullable=False),
        sa.Column("target", text_column(400), nullable=False),
        sa.Column("title", text_column(400), nullable=False),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("payload", json_column(), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("note", text_column(1000)),
        sa.Column("answer", json_column()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tried_at", UtcDateTime()),
        sa.Column("sent_at", UtcDateTime()),
    )
    op.create_index("ix_t_delivery_state", "t_delivery", ["state", "id"])
    op.create_index("ix_t_delivery_record", "t_delivery", ["object", "record"])
    op.create_table(
        "t_incoming_mail",
        sa.Column("message", text_column(64), primary_key=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("box", ID),
        sa.Column("uid", ID),
    )
    op.create_index("ix_t_incoming_mail_uid", "t_incoming_mail", ["box", "uid"])
    op.add_column("t_file", sa.Column("store", text_column(40)))
