"""What goes out of the product: the delivery log, and the secrets that other systems ask for."""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage.tables.base import ID, metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

secret = sa.Table(
    "t_secret",
    metadata,
    sa.Column("name", text_column(120), primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("changed_at", UtcDateTime(), nullable=False),
)
delivery = sa.Table(
    "t_delivery",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=True),
    sa.Column("token", text_column(32), nullable=False),
    sa.Column("carrier", text_column(40), nullable=False),
    sa.Column("target", text_column(400), nullable=False),
    sa.Column("title", text_column(400), nullable=False),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("payload", json_column(), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("note", text_column(1000)),
    sa.Column("answer", json_column()),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("tried_at", UtcDateTime()),
    sa.Column("sent_at", UtcDateTime()),
    sa.Index("ix_t_delivery_state", "state", "id"),
    sa.Index("ix_t_delivery_record", "object", "record"),
)
"""One row per message. ``state`` is ``waiting``, ``sent`` or ``failed``; ``note`` what the other side said, or why it failed."""

incoming_mail = sa.Table(
    "t_incoming_mail",
    metadata,
    sa.Column("message", text_column(64), primary_key=True),
    sa.Column("received_at", UtcDateTime(), nullable=False),
    sa.Column("object", text_column(40)),
    sa.Column("record", ID),
    sa.Column("box", ID),
    sa.Column("uid", ID),
    sa.Index("ix_t_incoming_mail_uid", "box", "uid"),
)
"""Mails that were looked at, by the digest of their Message-ID, with the record that they are about.

``box`` and ``uid`` are UIDVALIDITY and UID of the mailbox (RFC 3501): where to go on."""
