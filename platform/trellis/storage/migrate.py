"""Brings the platform's own tables up to date; runs by itself whenever a database is opened."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from trellis.storage.engines import Database

VERSION_TABLES = {"control": "trellis_control_version", "tenant": "t_alembic"}
_FOLDER = Path(__file__).parent / "migrations"


@cache
def head(kind: str) -> str | None:
    """Return the newest revision of ``kind`` ("control" or "tenant")."""
    return ScriptDirectory(str(_FOLDER / kind)).get_current_head()


def current(database: Database, kind: str) -> str | None:
    """Return the revision that the database has, or None for a new one."""
    table = VERSION_TABLES[kind]
    with database.reading() as connection:
        if not sa.inspect(connection).has_table(table, schema=database.schema):
            return None
        return connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar()


def upgrade(database: Database, kind: str) -> bool:
    """Apply missing migrations in one transaction. Returns whether anything was done."""
    if current(database, kind) == head(kind):
        return False
    with database.writing() as connection:
        if not database.is_sqlite:
            # Two processes that start together must not migrate together.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(741852963)")
        config = Config()
        config.set_main_option("script_location", str(_FOLDER / kind))
        config.attributes.update(connection=connection, version_table=VERSION_TABLES[kind])
        command.upgrade(config, "head")
    return True
