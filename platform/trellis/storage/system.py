"""The platform's own tables in each tenant's database. Their migrations are in ``migrations/tenant``.

Names begin with ``t_``; the tables of metadata-defined objects begin with ``o_``. Groups of tables that came later are
modules of ``tables``.
"""

from __future__ import annotations

import sqlalchemy as sa

from trellis.storage import tables
from trellis.storage.tables.base import ID as _ID
from trellis.storage.tables.base import metadata
from trellis.storage.types import UtcDateTime, json_column, text_column

state = sa.Table(
    "t_state",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("metadata_version", sa.Integer, nullable=False),
    sa.Column("access_version", sa.Integer, nullable=False),
    sa.Column("settings_version", sa.Integer, nullable=False),
    sa.Column("settings", json_column(), nullable=False),
)
document = sa.Table(
    "t_document",
    metadata,
    sa.Column("digest", text_column(64), primary_key=True),
    sa.Column("body", text_column(), nullable=False),
)
version = sa.Table(
    "t_version",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("hash", text_column(64), nullable=False),
    sa.Column("manifest", json_column(), nullable=False),
    sa.Column("operations", json_column(), nullable=False),
    sa.Column("author", _ID),
    sa.Column("note", text_column(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("undoes", sa.Integer),
)
catalogue = sa.Table(
    "t_catalogue",
    metadata,
    sa.Column("object", text_column(80), primary_key=True),
    sa.Column("table_name", text_column(63), nullable=False),
    sa.Column("fields", json_column(), nullable=False),
    sa.Column("used", json_column(), nullable=False),
    sa.Column("indexes", json_column(), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
)
publication = sa.Table(
    "t_publication",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("base", text_column(64), nullable=False),
    sa.Column("target", text_column(64), nullable=False),
    sa.Column("manifest", json_column(), nullable=False),
    sa.Column("operations", json_column(), nullable=False),
    sa.Column("fills", json_column(), nullable=False),
    sa.Column("phase", text_column(20), nullable=False),
    sa.Column("done", _ID, nullable=False),
    sa.Column("total", _ID, nullable=False),
    sa.Column("mark", _ID, nullable=False),
    sa.Column("author", _ID),
    sa.Column("note", text_column(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
)
counter = sa.Table(
    "t_counter",
    metadata,
    sa.Column("name", text_column(120), primary_key=True),
    sa.Column("value", _ID, nullable=False),
)
change = sa.Table(
    "t_change",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("actor", _ID),
    sa.Column("cause", json_column(), nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", _ID, nullable=False),
    sa.Column("action", text_column(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("model", sa.Integer, nullable=False),
    sa.Column("values", json_column()),
    sa.Index("ix_t_change_record", "record", "id"),
)
fact = sa.Table(
    "t_fact",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("kind", text_column(40), nullable=False),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("record", _ID, nullable=False),
    sa.Column("actor", _ID),
    sa.Column("cause", json_column(), nullable=False),
    sa.Column("data", json_column()),
    sa.Index("ix_t_fact_record", "record", "id"),
)
_NAMED, _HOLDING = sa.text("subject IS NOT NULL"), sa.text("holds IS NOT NULL")
_WAITING = sa.text("state IN ('ready', 'held')")
outbox = sa.Table(
    "t_outbox",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("topic", text_column(60), nullable=False),
    sa.Column("payload", json_column(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("due_at", UtcDateTime(), nullable=False),
    sa.Column("state", text_column(12), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("leased_until", UtcDateTime()),
    sa.Column("worker", text_column(60)),
    sa.Column("error", text_column()),
    sa.Column("done", _ID, nullable=False),
    sa.Column("total", _ID, nullable=False),
    sa.Column("subject", text_column(120)),
    sa.Column("key", text_column(200)),
    sa.Column("holds", text_column(120)),
    sa.Index("ix_t_outbox_due", "state", "due_at", "id"),
    sa.Index("ix_t_outbox_subject", "subject", "state", "id", sqlite_where=_NAMED, postgresql_where=_NAMED),
    sa.Index("ix_t_outbox_holds", "holds", unique=True, sqlite_where=_HOLDING, postgresql_where=_HOLDING),
    sa.Index("ix_t_outbox_key", "key", unique=True, sqlite_where=_WAITING, postgresql_where=_WAITING),
    sqlite_autoincrement=True,
)
"""What is to be done after a commit or at a moment (``trellis.storage.outbox``). A row ``holds`` its subject while it is worked on
or waits for its next attempt."""
idempotency = sa.Table(
    "t_idempotency",
    metadata,
    sa.Column("key", text_column(200), primary_key=True),
    sa.Column("actor", _ID, primary_key=True),
    sa.Column("request", text_column(64), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", text_column(), nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
)
external_id = sa.Table(
    "t_external_id",
    metadata,
    sa.Column("object", text_column(40), primary_key=True),
    sa.Column("system", text_column(60), primary_key=True),
    sa.Column("key", text_column(255), primary_key=True),
    sa.Column("record", _ID, nullable=False),
    sa.Index("ix_t_external_id_record", "record"),
)
redirect = sa.Table(
    "t_redirect",
    metadata,
    sa.Column("old", _ID, primary_key=True),
    sa.Column("new", _ID, nullable=False),
)
credential = sa.Table(
    "t_credential",
    metadata,
    sa.Column("user", _ID, primary_key=True),
    sa.Column("login", text_column(255), nullable=False, unique=True),
    sa.Column("password_hash", text_column(255)),
    sa.Column("admin", sa.Boolean, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("locked_until", UtcDateTime()),
    sa.Column("must_change", sa.Boolean),
    sa.Column("changed_at", UtcDateTime()),
)
session = sa.Table(
    "t_session",
    metadata,
    sa.Column("token", text_column(64), primary_key=True),
    sa.Column("user", _ID, nullable=False),
    sa.Column("csrf", text_column(64), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("seen_at", UtcDateTime(), nullable=False),
    sa.Column("agent", text_column(255), nullable=False),
    sa.Column("address", text_column(64)),
    sa.Column("method", text_column(20)),
    sa.Column("pending", text_column(20)),
    sa.Column("proved_at", UtcDateTime()),
    sa.Column("acts_as", _ID),
    sa.Column("reason", text_column(500)),
    sa.Index("ix_t_session_user", "user"),
)
token = sa.Table(
    "t_token",
    metadata,
    sa.Column("token", text_column(64), primary_key=True),
    sa.Column("user", _ID, nullable=False),
    sa.Column("label", text_column(120), nullable=False),
    sa.Column("scopes", json_column(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime()),
    sa.Column("used_at", UtcDateTime()),
    sa.Index("ix_t_token_user", "user"),
)
file = sa.Table(
    "t_file",
    metadata,
    sa.Column("id", text_column(32), primary_key=True),
    sa.Column("name", text_column(255), nullable=False),
    sa.Column("media_type", text_column(120), nullable=False),
    sa.Column("size", _ID, nullable=False),
    sa.Column("sha256", text_column(64), nullable=False),
    sa.Column("owner", _ID),
    sa.Column("object", text_column(40)),
    sa.Column("record", _ID),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("store", text_column(40)),
)
currency_rate = sa.Table(
    "t_currency_rate",
    metadata,
    sa.Column("currency", text_column(3), primary_key=True),
    sa.Column("starts_on", sa.Date, primary_key=True),
    sa.Column("rate", text_column(40), nullable=False),
)
search = sa.Table(
    "t_search",
    metadata,
    sa.Column("record", _ID, primary_key=True),
    sa.Column("object", text_column(40), nullable=False),
    sa.Column("tokens", text_column(), nullable=False),
    sa.Index("ix_t_search_object", "object"),
)

tables.load()

__all__ = [
    "catalogue",
    "change",
    "counter",
    "credential",
    "currency_rate",
    "document",
    "external_id",
    "fact",
    "file",
    "idempotency",
    "metadata",
    "outbox",
    "publication",
    "redirect",
    "search",
    "session",
    "state",
    "token",
    "version",
]
