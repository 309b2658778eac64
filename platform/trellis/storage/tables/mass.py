"""Changes of many records that a person made as one step, so that they can be followed and undone as one."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

mass_step = sa.Table(
    "t_mass_step",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("change", json_column(), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_mass_step_user", "user", "id"),
)
mass_row = sa.Table(
    "t_mass_row",
    metadata,
    sa.Column("step", ID, primary_key=True),
    sa.Column("record", ID, primary_key=True),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("change", ID),
    sa.Column("problem", json_column()),
    sa.Index("ix_t_mass_row_state", "step", "state", "record"),
)
