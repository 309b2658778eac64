"""Portal people: whose record somebody outside belongs to."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import text_column

revision, down_revision = "portal_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "t_portal",
        sa.Column("user", ID, primary_key=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
    )
    op.create_index("ix_t_portal_record", "t_portal", ["record"])
