"""Saved views keep how their records are shown."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import json_column

revision, down_revision = "people_2", "people_1"


def upgrade() -> None:
    op.add_column("t_saved_view", sa.Column("settings", json_column()))
