"""Memberships, principals, reach, rules and shares."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, text_column

revision, down_revision = "access_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_member",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("kind", text_column(20), nullable=False),
        sa.Column("name", text_column(90), nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("created_by", ID),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_member_user", "t_member", ["user", "kind"])
    op.create_index("ix_t_member_name", "t_member", ["kind", "name"])
    principal = op.create_table(
        "t_principal",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", text_column(20), nullable=False),
        sa.Column("name", text_column(90), nullable=False),
    )
    op.create_index("ix_t_principal_name", "t_principal", ["kind", "name"], unique=True)
    op.execute(principal.insert().values(kind="everyone", name=""))
    op.create_table(
        "t_reach",
        sa.Column("user", ID, primary_key=True, autoincrement=False),
        sa.Column("principal", ID, primary_key=True, autoincrement=False),
        sa.Column("via", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_t_reach_principal", "t_reach", ["principal", "via", "user"])
    op.create_table(
        "t_owner_rule",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("kind", text_column(20), nullable=False),
        sa.Column("name", text_column(40), nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("target", ID, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
    )
    op.create_index("ix_t_owner_rule_object", "t_owner_rule", ["object", "target"])
    op.create_table(
        "t_access_rule",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", text_column(20), nullable=False),
        sa.Column("name", text_column(40), nullable=False),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("digest", text_column(64), nullable=False),
        sa.Column("state", text_column(10), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_t_access_rule_name", "t_access_rule", ["kind", "name"], unique=True)
    op.create_table(
        "t_share",
        sa.Column("record", ID, primary_key=True, autoincrement=False),
        sa.Column("principal", ID, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("rule", ID, primary_key=True, autoincrement=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("role", text_column(80)),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("created_by", ID),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_t_share_principal", "t_share", ["principal", "record"])
    op.create_index("ix_t_share_rule", "t_share", ["rule", "record"])
