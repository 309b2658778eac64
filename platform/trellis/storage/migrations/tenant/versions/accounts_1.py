"""Second factors, one-time links, known browsers, guesses, identities at other services; more about sessions and tokens."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, text_column

revision, down_revision = "accounts_1", "tenant_0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("t_session", sa.Column("address", text_column(64)))
    op.add_column("t_session", sa.Column("method", text_column(20)))
    op.add_column("t_session", sa.Column("pending", text_column(20)))
    op.add_column("t_session", sa.Column("proved_at", UtcDateTime()))
    op.add_column("t_session", sa.Column("acts_as", ID))
    op.add_column("t_session", sa.Column("reason", text_column(500)))
    op.create_index("ix_t_session_user", "t_session", ["user"])
    op.add_column("t_token", sa.Column("used_at", UtcDateTime()))
    op.create_index("ix_t_token_user", "t_token", ["user"])
    op.add_column("t_credential", sa.Column("must_change", sa.Boolean))
    op.add_column("t_credential", sa.Column("changed_at", UtcDateTime()))
    op.create_table(
        "t_second_factor",
        sa.Column("user", ID, primary_key=True),
        sa.Column("secret", text_column(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime()),
        sa.Column("last_step", ID, nullable=False),
    )
    op.create_table(
        "t_recovery_code",
        sa.Column("user", ID, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("hash", text_column(255), nullable=False),
        sa.Column("used_at", UtcDateTime()),
    )
    op.create_table(
        "t_one_time_link",
        sa.Column("digest", text_column(64), primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", ID),
    )
    op.create_index("ix_t_one_time_link_user", "t_one_time_link", ["user"])
    op.create_table(
        "t_known_browser",
        sa.Column("digest", text_column(64), primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_known_browser_user", "t_known_browser", ["user"])
    op.create_table(
        "t_guess",
        sa.Column("scope", text_column(80), primary_key=True),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime()),
    )
    op.create_index("ix_t_guess_at", "t_guess", ["at"])
    op.create_table(
        "t_sign_on",
        sa.Column("digest", text_column(64), primary_key=True),
        sa.Column("provider", text_column(40), nullable=False),
        sa.Column("nonce", text_column(64), nullable=False),
        sa.Column("verifier", text_column(128), nullable=False),
        sa.Column("target", text_column(500), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_identity",
        sa.Column("provider", text_column(40), primary_key=True),
        sa.Column("subject", text_column(255), primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_t_identity_user", "t_identity", ["user"])
