"""Brings the platform's own tables up to date; runs by itself whenever a database is opened.

Each group of tables is a branch of revisions (``migrations/README.md``), so that a database stands at several heads at once.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from trellis.storage.engines import Database
from trellis_metadata.errors import TrellisError

VERSION_TABLES = {"control": "trellis_control_version", "tenant": "t_alembic"}
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 741852963


class NewerDatabase(TrellisError):
    """The database was written by a newer version of Trellis than the one that opens it."""

    code = "newer_database"


@cache
def _scripts(kind: str) -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER / kind))


@cache
def heads(kind: str) -> frozenset[str]:
    """Return the newest revisions of ``kind`` ("control" or "tenant"), one per group of tables."""
    return frozenset(_scripts(kind).get_heads())


def head(kind: str) -> str:
    """Return the newest revisions as one text, to compare and to show."""
    return ",".join(sorted(heads(kind)))


def revisions_in(connection: Connection, kind: str) -> frozenset[str]:
    """Return the revisions that a database stands at."""
    return frozenset(connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLES[kind]}").scalars())


def current(database: Database, kind: str) -> frozenset[str]:
    """Return the revisions that the database stands at; none for a new one."""
    with database.reading() as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLES[kind], schema=database.schema):
            return frozenset()
        return revisions_in(connection, kind)


def upgrade(database: Database, kind: str, target: str = "heads") -> bool:
    """Apply missing migrations in one transaction. Returns whether anything was done.

    ``target`` is a revision to stop at. Raises :class:`NewerDatabase` if the database has a revision that is unknown here.
    """
    found = current(database, kind)
    if target == "heads" and found == heads(kind):
        return False
    _refuse_unknown(found, kind)
    with database.writing() as connection:
        if not database.is_sqlite:
            # Two processes that start together must not migrate together.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config = Config()
        config.set_main_option("script_location", str(_FOLDER / kind))
        config.attributes.update(connection=connection, version_table=VERSION_TABLES[kind])
        command.upgrade(config, target)
    return True


def _refuse_unknown(found: Collection[str], kind: str) -> None:
    known = {script.revision for script in _scripts(kind).walk_revisions()}
    unknown = sorted(set(found) - known)
    if unknown:
        raise NewerDatabase(
            f"The database is of a newer version of Trellis (revision {', '.join(unknown)} is unknown here). "
            "Start that version, or restore a backup that was made before the upgrade.",
            revisions=unknown,
        )
