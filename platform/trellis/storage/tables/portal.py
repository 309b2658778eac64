"""Portal people: whose customer, supplier or partner record somebody outside belongs to."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import text_column

portal = sa.Table(
    "t_portal",
    metadata,
    sa.Column("user", ID, primary_key=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", ID, nullable=False),
    sa.Index("ix_t_portal_record", "record"),
)
