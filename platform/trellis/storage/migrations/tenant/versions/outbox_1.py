"""Order per subject and waiting keys in the outbox; its due index told apart rows of one moment only by sorting them.

SQLite gives the number of a removed last row to the next one unless the table says AUTOINCREMENT; receivers know deliveries by these
numbers, so the table is made anew there.
"""

from typing import Literal

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import text_column

revision, down_revision = "outbox_1", "tenant_0001"


def upgrade() -> None:
    op.drop_index("ix_t_outbox_due", "t_outbox")
    sqlite = op.get_bind().dialect.name == "sqlite"
    how: Literal["always", "never"] = "always" if sqlite else "never"
    with op.batch_alter_table("t_outbox", recreate=how, table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("subject", text_column(120)))
        table.add_column(sa.Column("key", text_column(200)))
        table.add_column(sa.Column("holds", text_column(120)))
    op.create_index("ix_t_outbox_due", "t_outbox", ["state", "due_at", "id"])
    named = sa.text("subject IS NOT NULL")
    op.create_index(
        "ix_t_outbox_subject", "t_outbox", ["subject", "state", "id"], sqlite_where=named, postgresql_where=named
    )
    holding = sa.text("holds IS NOT NULL")
    op.create_index(
        "ix_t_outbox_holds", "t_outbox", ["holds"], unique=True, sqlite_where=holding, postgresql_where=holding
    )
    waiting = sa.text("state IN ('ready', 'held')")
    op.create_index("ix_t_outbox_key", "t_outbox", ["key"], unique=True, sqlite_where=waiting, postgresql_where=waiting)
