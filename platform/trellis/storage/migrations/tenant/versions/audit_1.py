"""The audit and its seals."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "audit_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_audit",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", text_column(40), nullable=False),
        sa.Column("actor", ID),
        sa.Column("behind", ID),
        sa.Column("address", text_column(64)),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("detail", json_column(), nullable=False),
    )
    op.create_index("ix_t_audit_actor", "t_audit", ["actor", "id"])
    op.create_index("ix_t_audit_at", "t_audit", ["at"])
    op.create_index("ix_t_audit_kind", "t_audit", ["kind", "id"])
    op.create_index("ix_t_audit_record", "t_audit", ["record", "id"])
    op.create_table(
        "t_audit_seal",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", ID, nullable=False),
        sa.Column("rows", ID, nullable=False),
        sa.Column("hash", text_column(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
