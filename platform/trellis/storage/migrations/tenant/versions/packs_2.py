"""Data migrations of packs go on behind the last record that they changed."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import text_column

revision, down_revision = "packs_2", "packs_1"


def upgrade() -> None:
    op.add_column("t_pack_migration", sa.Column("cursor", text_column(200)))
