"""The platform's first tables, and the full-text index over ``t_search``."""

import sqlalchemy as sa
from alembic import op

from trellis.storage.types import UtcDateTime, json_column, text_column

revision, down_revision = "tenant_0001", None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FTS5 = (
    "CREATE VIRTUAL TABLE t_search_fts USING fts5("
    "tokens, content='t_search', content_rowid='record', tokenize='unicode61')",
    "CREATE TRIGGER t_search_ai AFTER INSERT ON t_search BEGIN "
    "INSERT INTO t_search_fts(rowid, tokens) VALUES (new.record, new.tokens); END",
    "CREATE TRIGGER t_search_ad AFTER DELETE ON t_search BEGIN "
    "INSERT INTO t_search_fts(t_search_fts, rowid, tokens) VALUES ('delete', old.record, old.tokens); END",
    "CREATE TRIGGER t_search_au AFTER UPDATE ON t_search BEGIN "
    "INSERT INTO t_search_fts(t_search_fts, rowid, tokens) VALUES ('delete', old.record, old.tokens); "
    "INSERT INTO t_search_fts(rowid, tokens) VALUES (new.record, new.tokens); END",
)


def upgrade() -> None:
    create_tables()
    if op.get_bind().dialect.name == "sqlite":
        for statement in FTS5:
            op.execute(statement)
    else:
        op.execute("CREATE INDEX ix_t_search_tokens ON t_search USING gin (to_tsvector('simple', tokens))")


def create_tables() -> None:
    op.create_table(
        "t_state",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("metadata_version", sa.Integer, nullable=False),
        sa.Column("access_version", sa.Integer, nullable=False),
        sa.Column("settings_version", sa.Integer, nullable=False),
        sa.Column("settings", json_column(), nullable=False),
    )
    op.create_table(
        "t_document",
        sa.Column("digest", text_column(64), primary_key=True),
        sa.Column("body", text_column(), nullable=False),
    )
    op.create_table(
        "t_version",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hash", text_column(64), nullable=False),
        sa.Column("manifest", json_column(), nullable=False),
        sa.Column("operations", json_column(), nullable=False),
        sa.Column("author", ID),
        sa.Column("note", text_column(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("undoes", sa.Integer),
    )
    op.create_table(
        "t_catalogue",
        sa.Column("object", text_column(80), primary_key=True),
        sa.Column("table_name", text_column(63), nullable=False),
        sa.Column("fields", json_column(), nullable=False),
        sa.Column("used", json_column(), nullable=False),
        sa.Column("indexes", json_column(), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
    )
    op.create_table(
        "t_publication",
        sa.Column("id", ID, primary_key=True),
        sa.Column("base", text_column(64), nullable=False),
        sa.Column("target", text_column(64), nullable=False),
        sa.Column("manifest", json_column(), nullable=False),
        sa.Column("operations", json_column(), nullable=False),
        sa.Column("fills", json_column(), nullable=False),
        sa.Column("phase", text_column(20), nullable=False),
        sa.Column("done", ID, nullable=False),
        sa.Column("total", ID, nullable=False),
        sa.Column("mark", ID, nullable=False),
        sa.Column("author", ID),
        sa.Column("note", text_column(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_draft",
        sa.Column("name", text_column(40), primary_key=True),
        sa.Column("base", text_column(64), nullable=False),
        sa.Column("documents", json_column(), nullable=False),
        sa.Column("removed", json_column(), nullable=False),
        sa.Column("author", ID),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_counter",
        sa.Column("name", text_column(120), primary_key=True),
        sa.Column("value", ID, nullable=False),
    )
    op.create_table(
        "t_change",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", ID),
        sa.Column("cause", json_column(), nullable=False),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("action", text_column(20), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("values", json_column()),
    )
    op.create_table(
        "t_fact",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", text_column(40), nullable=False),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("actor", ID),
        sa.Column("cause", json_column(), nullable=False),
        sa.Column("data", json_column()),
    )
    op.create_table(
        "t_outbox",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("topic", text_column(60), nullable=False),
        sa.Column("payload", json_column(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", text_column(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("leased_until", UtcDateTime()),
        sa.Column("worker", text_column(60)),
        sa.Column("error", text_column()),
        sa.Column("done", ID, nullable=False),
        sa.Column("total", ID, nullable=False),
    )
    op.create_table(
        "t_idempotency",
        sa.Column("key", text_column(200), primary_key=True),
        sa.Column("actor", ID, primary_key=True),
        sa.Column("request", text_column(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", text_column(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_external_id",
        sa.Column("object", text_column(40), primary_key=True),
        sa.Column("system", text_column(60), primary_key=True),
        sa.Column("key", text_column(255), primary_key=True),
        sa.Column("record", ID, nullable=False),
    )
    op.create_table(
        "t_redirect",
        sa.Column("old", ID, primary_key=True),
        sa.Column("new", ID, nullable=False),
    )
    op.create_table(
        "t_credential",
        sa.Column("user", ID, primary_key=True),
        sa.Column("login", text_column(255), nullable=False, unique=True),
        sa.Column("password_hash", text_column(255)),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("locked_until", UtcDateTime()),
    )
    op.create_table(
        "t_session",
        sa.Column("token", text_column(64), primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("csrf", text_column(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("agent", text_column(255), nullable=False),
    )
    op.create_table(
        "t_token",
        sa.Column("token", text_column(64), primary_key=True),
        sa.Column("user", ID, nullable=False),
        sa.Column("label", text_column(120), nullable=False),
        sa.Column("scopes", json_column(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
    )
    op.create_table(
        "t_file",
        sa.Column("id", text_column(32), primary_key=True),
        sa.Column("name", text_column(255), nullable=False),
        sa.Column("media_type", text_column(120), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("sha256", text_column(64), nullable=False),
        sa.Column("owner", ID),
        sa.Column("object", text_column(40)),
        sa.Column("record", ID),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "t_currency_rate",
        sa.Column("currency", text_column(3), primary_key=True),
        sa.Column("starts_on", sa.Date, primary_key=True),
        sa.Column("rate", text_column(40), nullable=False),
    )
    op.create_table(
        "t_search",
        sa.Column("record", ID, primary_key=True),
        sa.Column("object", text_column(40), nullable=False),
        sa.Column("tokens", text_column(), nullable=False),
    )
    op.create_index("ix_t_change_record", "t_change", ["record", "id"])
    op.create_index("ix_t_fact_record", "t_fact", ["record", "id"])
    op.create_index("ix_t_outbox_due", "t_outbox", ["state", "due_at"])
    op.create_index("ix_t_external_id_record", "t_external_id", ["record"])
    op.create_index("ix_t_search_object", "t_search", ["object"])
