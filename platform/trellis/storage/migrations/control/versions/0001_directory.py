"""The tenant directory."""

from alembic import op

from trellis.storage.control import metadata

revision, down_revision = "control_0001", None


def upgrade() -> None:
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
