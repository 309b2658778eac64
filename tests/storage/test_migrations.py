"""What the migrations build is what the code declares, and an older database is brought up to date when it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from trellis.runtime import Runtime
from trellis.storage import control, migrate, system
from trellis.storage.engines import Database

SEARCH_ONLY_IN_MIGRATIONS = {"ix_t_search_tokens"}


def open_database(url: str, schema: str) -> Database:
    database = Database(url, schema=None if url.startswith("sqlite") else schema)
    database.create()
    return database


def described(database: Database, *, without: str) -> dict[str, Any]:
    """Return tables, columns, keys and indexes as the database itself tells them."""
    with database.reading() as connection:
        inspector = sa.inspect(connection)
        names = [n for n in inspector.get_table_names(schema=database.schema) if n != without]
        return {
            name: {
                "columns": {
                    c["name"]: (str(c["type"]), c["nullable"], str(c["default"]).replace(database.schema or "-", ""))
                    for c in inspector.get_columns(name, schema=database.schema)
                },
                "key": inspector.get_pk_constraint(name, schema=database.schema)["constrained_columns"],
                "unique": sorted(
                    tuple(u["column_names"]) for u in inspector.get_unique_constraints(name, schema=database.schema)
                ),
                "indexes": sorted(
                    (str(i["name"]), tuple(map(str, i["column_names"])), bool(i["unique"]))
                    for i in inspector.get_indexes(name, schema=database.schema)
                    if i["name"] not in SEARCH_ONLY_IN_MIGRATIONS
                ),
            }
            for name in names
            if not name.startswith("t_search_fts")
        }


@pytest.mark.parametrize(("kind", "declared"), [("tenant", system.metadata), ("control", control.metadata)])
def test_migrations_build_what_the_code_declares(
    kind: str, declared: sa.MetaData, database_url: str, tmp_path: Path
) -> None:
    second_url = f"sqlite:///{tmp_path / 'declared.db'}" if database_url.startswith("sqlite") else database_url
    migrated, direct = open_database(database_url, "t_migrated"), open_database(second_url, "t_declared")
    migrate.upgrade(migrated, kind)
    with direct.writing() as connection:
        declared.create_all(connection)
    try:
        built = described(migrated, without=migrate.VERSION_TABLES[kind])
        assert built == described(direct, without="")
        assert set(built) == set(declared.tables)
    finally:
        migrated.close()
        direct.close()


def test_full_text_index_comes_with_the_migrations(database_url: str) -> None:
    database = open_database(database_url, "t_migrated")
    migrate.upgrade(database, "tenant")
    with database.writing() as connection:
        connection.execute(system.search.insert(), {"record": 7, "object": "account", "tokens": "acme corp"})
    query = (
        "SELECT rowid FROM t_search_fts WHERE t_search_fts MATCH 'acme'"
        if database.is_sqlite
        else "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_t_search_tokens'"
    )
    with database.reading() as connection:
        found = connection.exec_driver_sql(query).scalars().all()
    database.close()
    assert found == [7] if database.is_sqlite else "to_tsvector('simple'" in found[0]


def test_older_database_is_brought_up_to_date_by_opening_it(database_url: str, tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    place = runtime.database_url or f"sqlite:///{runtime.home / 'tenants' / 'old.db'}"
    (runtime.home / "tenants").mkdir(exist_ok=True)
    old = Database(place, schema=None if place.startswith("sqlite") else "t_old")
    old.create()
    migrate.upgrade(old, "tenant", "tenant_0001")
    assert migrate.current(old, "tenant") == {"tenant_0001"}
    with old.writing() as connection:
        connection.execute(system.counter.insert(), {"name": "invoice", "value": 41})
    old.close()
    tenant = runtime.create_tenant("old")
    assert migrate.current(tenant.database, "tenant") == migrate.heads("tenant")
    with tenant.database.reading() as connection:
        kept = connection.execute(sa.select(system.counter.c.value).where(system.counter.c.name == "invoice"))
        assert kept.scalar_one() == 41
    runtime.close()


def test_current_database_is_not_migrated_again(database_url: str) -> None:
    database = open_database(database_url, "t_twice")
    assert migrate.upgrade(database, "tenant")
    assert not migrate.upgrade(database, "tenant")
    database.close()


def test_database_of_a_newer_version_is_refused_and_left_alone(runtime: Runtime) -> None:
    tenant = runtime.create_tenant("acme")
    with tenant.database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO t_alembic (version_num) VALUES ('from_the_future')")
    with pytest.raises(migrate.NewerDatabase, match="from_the_future"):
        runtime.reopen("acme")
    assert "from_the_future" in migrate.current(tenant.database, "tenant")


def test_each_group_is_one_branch_from_the_first_revision() -> None:
    scripts = list(migrate._scripts("tenant").walk_revisions())
    children: dict[str, list[str]] = {}
    for script in scripts:
        if script.down_revision is not None:
            children.setdefault(str(script.down_revision), []).append(script.revision)
    assert not {parent: c for parent, c in children.items() if parent != "tenant_0001" and len(c) > 1}
    assert all(len(script.revision) <= 32 for script in scripts)


@pytest.mark.parametrize("kind", ["tenant", "control"])
def test_revisions_read_from_the_files_are_those_that_are_run(kind: str) -> None:
    scripts = list(migrate._scripts(kind).walk_revisions())
    assert migrate.parents(kind) == {s.revision: s.down_revision for s in scripts}
    assert migrate.heads(kind) == set(migrate._scripts(kind).get_heads())


def test_first_runtime_begins_in_an_empty_database_and_the_next_finds_it(runtime: Runtime) -> None:
    made = runtime.create_tenant("acme")
    assert made.model().snapshot == made.core_snapshot()
    again = Runtime(runtime.home, database_url=runtime.database_url)
    assert again.tenant("acme").model().snapshot == made.core_snapshot()
    again.close()
