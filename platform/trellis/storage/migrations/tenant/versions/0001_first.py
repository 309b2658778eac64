"""The platform's own tables, and the full-text index over ``t_search``."""

from alembic import op

from trellis.storage.system import metadata

revision, down_revision = "tenant_0001", None

FTS5 = """
CREATE VIRTUAL TABLE t_search_fts USING fts5(tokens, content='t_search', content_rowid='record', tokenize='unicode61');
CREATE TRIGGER t_search_ai AFTER INSERT ON t_search BEGIN
  INSERT INTO t_search_fts(rowid, tokens) VALUES (new.record, new.tokens); END;
CREATE TRIGGER t_search_ad AFTER DELETE ON t_search BEGIN
  INSERT INTO t_search_fts(t_search_fts, rowid, tokens) VALUES ('delete', old.record, old.tokens); END;
CREATE TRIGGER t_search_au AFTER UPDATE ON t_search BEGIN
  INSERT INTO t_search_fts(t_search_fts, rowid, tokens) VALUES ('delete', old.record, old.tokens);
  INSERT INTO t_search_fts(rowid, tokens) VALUES (new.record, new.tokens); END
"""


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    if bind.dialect.name == "sqlite":
        for statement in FTS5.strip().split(";\nCREATE"):
            op.execute(statement if statement.startswith("CREATE") else "CREATE" + statement)
    else:
        op.execute("CREATE INDEX ix_t_search_tokens ON t_search USING gin (to_tsvector('simple', tokens))")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE t_search_fts")
    metadata.drop_all(op.get_bind())
