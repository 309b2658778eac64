"""What proves who somebody is, beside the password: second factors, one-time links, known browsers, other log-in services.

Secrets that come back to us (links, cookies, recovery codes) are stored as digests; the secret of a second factor, which the
server itself must read, is encrypted with the tenant's key.
"""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, text_column

second_factor = sa.Table(
    "t_second_factor",
    metadata,
    sa.Column("user", ID, primary_key=True),
    sa.Column("secret", text_column(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("confirmed_at", UtcDateTime()),
    sa.Column("last_step", ID, nullable=False),
)
"""``last_step`` is the time step of the last code that was taken: none is taken twice."""

recovery_code = sa.Table(
    "t_recovery_code",
    metadata,
    sa.Column("user", ID, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("hash", text_column(255), nullable=False),
    sa.Column("used_at", UtcDateTime()),
)
one_time_link = sa.Table(
    "t_one_time_link",
    metadata,
    sa.Column("digest", text_column(64), primary_key=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    sa.Column("created_by", ID),
    sa.Index("ix_t_one_time_link_user", "user"),
)
known_browser = sa.Table(
    "t_known_browser",
    metadata,
    sa.Column("digest", text_column(64), primary_key=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("seen_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_known_browser_user", "user"),
)
"""Browsers from which somebody logged in before: guesses by strangers do not slow them down."""

guess = sa.Table(
    "t_guess",
    metadata,
    sa.Column("scope", text_column(80), primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("until", UtcDateTime()),
    sa.Index("ix_t_guess_at", "at"),
)
"""Wrong proofs in a row, and until when the next one is not looked at."""

sign_on = sa.Table(
    "t_sign_on",
    metadata,
    sa.Column("digest", text_column(64), primary_key=True),
    sa.Column("provider", text_column(40), nullable=False),
    sa.Column("nonce", text_column(64), nullable=False),
    sa.Column("verifier", text_column(128), nullable=False),
    sa.Column("target", text_column(500), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
)
"""Log-ins that went to an identity provider and are not back yet."""

identity = sa.Table(
    "t_identity",
    metadata,
    sa.Column("provider", text_column(40), primary_key=True),
    sa.Column("subject", text_column(255), primary_key=True),
    sa.Column("user", ID, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_t_identity_user", "user"),
)
"""Who somebody is at an identity provider."""
