"""Brings the platform's own tables up to date; runs by itself whenever a database is opened.

Each group of tables is a branch of revisions (``migrations/README.md``), so that a database stands at several heads at once.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.storage.engines import Database
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

VERSION_TABLES = {"control": "trellis_control_version", "tenant": "t_alembic"}
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 741852963
_IDENTITY = {"revision", "down_revision"}


class NewerDatabase(TrellisError):
    """The database was written by a newer version of Trellis than the one that opens it."""

    code = "newer_database"


@cache
def _scripts(kind: str) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(_FOLDER / kind))


@cache
def parents(kind: str) -> dict[str, str | None]:
    """Return each revision of ``kind`` ("control" or "tenant") with the one that it follows; None for the first.

    It is read from the text of the files: every start asks for it, and few have anything to migrate.
    """
    found = [_identity(path) for path in sorted((_FOLDER / kind / "versions").glob("*.py"))]
    return dict(found)


def _identity(path: Path) -> tuple[str, str | None]:
    said: dict[str, str | None] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
                if set(names) & _IDENTITY:
                    values = ast.literal_eval(node.value)
                    said |= zip(names, values if isinstance(values, tuple) else (values,), strict=True)
    if not (set(said) >= _IDENTITY and said["revision"]):
        raise RuntimeError(f"{path} does not say its revision and its down_revision (see migrations/README.md).")
    return said["revision"], said["down_revision"]


@cache
def heads(kind: str) -> frozenset[str]:
    """Return the newest revisions of ``kind``, one per group of tables."""
    return frozenset(parents(kind)) - set(parents(kind).values())


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
        _run(connection, kind, target)
    return True


def _run(connection: Connection, kind: str, target: str) -> None:
    # What ``command.upgrade`` does, without reading every file of the folder anew for each database.
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    scripts = _scripts(kind)
    context = MigrationContext.configure(
        connection,
        opts={
            "script": scripts,
            "fn": lambda revisions, _context: scripts._upgrade_revs(target, revisions),
            "version_table": VERSION_TABLES[kind],
            "transactional_ddl": False,
        },
    )
    with Operations.context(context):
        context.run_migrations()


def _refuse_unknown(found: Collection[str], kind: str) -> None:
    unknown = sorted(set(found) - set(parents(kind)))
    if unknown:
        raise NewerDatabase(
            f"The database is of a newer version of Trellis (revision {', '.join(unknown)} is unknown here). "
            "Start that version, or restore a backup that was made before the upgrade.",
            revisions=unknown,
        )
