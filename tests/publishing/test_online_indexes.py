"""Indexes of large tables are built beside the readers and writers of PostgreSQL, and survive whatever interrupts them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from support.kernel import ADMIN, counting, create, field, obj, publish, values, write

from trellis.publishing.indexes import DuplicateValues
from trellis.publishing.publisher import Publisher
from trellis.runtime import Runtime
from trellis.tenant import Tenant

NAME = field("name", required=True)
UNIQUE = obj("deal", field("name", required=True, unique=True), field("size", "integer", indexed=True))
NAMES = {"ix_o_deal_1", "ix_o_deal_2"}


class Interrupted(Exception):
    """Thrown at a step in place of a crash."""


@pytest.fixture
def postgres_tenant(postgres_cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A tenant on PostgreSQL whose every table counts as large, with three records."""
    monkeypatch.setattr("trellis.publishing.online.LARGE_ROWS", 1)
    url = postgres_cluster.create_database()
    runtime = Runtime(tmp_path / "home", database_url=url)
    tenant = runtime.create_tenant("acme")
    publish(tenant, obj("deal", NAME, field("size", "integer")))
    create(tenant, "deal", *({"name": f"d{n}", "size": n} for n in range(3)))
    yield tenant
    runtime.close()
    postgres_cluster.drop_database(url)


def indexes(tenant: Tenant) -> dict[str, bool]:
    """Return the numbered indexes of the table and whether each is valid."""
    query = (
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_class t ON t.oid = i.indrelid WHERE t.relname = 'o_deal' AND c.relname ~ '_[0-9]+$'"
    )
    with tenant.database.reading() as connection:
        return {name: valid for name, valid in connection.exec_driver_sql(query)}


def interrupt(tenant: Tenant, at: str) -> None:
    """Publish the unique key, ending as if the process had died at a step."""

    def fault(step: str) -> None:
        if step == at:
            raise Interrupted

    publisher = Publisher(tenant, fault=fault)
    with pytest.raises(Interrupted):
        publisher.apply(publisher.plan_documents([UNIQUE]))
    assert not tenant.model().object("deal").unique_keys


def test_large_table_gets_its_indexes_outside_transactions(postgres_tenant: Tenant) -> None:
    seen: list[tuple[str, int]] = []
    with counting(postgres_tenant) as statements:
        plan = postgres_tenant.publisher.plan_documents([UNIQUE])
        postgres_tenant.publisher.apply(plan, progress=lambda done, total: seen.append((done, total)))
    built = [s for s in statements if s.startswith("CREATE") and "INDEX" in s]
    assert len(built) == 2
    assert all(" CONCURRENTLY " in s for s in built)
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)
    assert seen[-2:] == [(0, 2), (1, 2)]
    assert postgres_tenant.publisher.running() is None
    with postgres_tenant.database.reading() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "30s"


def test_small_table_gets_its_indexes_in_the_transaction(
    postgres_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis.publishing.online.LARGE_ROWS", 3)
    with counting(postgres_tenant) as statements:
        publish(postgres_tenant, UNIQUE)
    assert not any("CONCURRENTLY" in s for s in statements)
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)


@pytest.mark.parametrize("step", ["before index", "after index", "before activate"])
def test_interrupted_build_is_finished_by_the_next_start(postgres_tenant: Tenant, step: str) -> None:
    interrupt(postgres_tenant, step)
    running = postgres_tenant.publisher.running()
    assert running is not None
    assert running["phase"] == "index"
    create(postgres_tenant, "deal", {"name": "late", "size": 9})
    postgres_tenant.publisher.resume_interrupted()
    assert postgres_tenant.publisher.running() is None
    assert [k.name for k in postgres_tenant.model().object("deal").unique_keys] == ["name"]
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)
    assert values(postgres_tenant, "deal", "size") == [0, 1, 2, 9]


def test_invalid_index_that_a_killed_build_left_is_built_anew(postgres_tenant: Tenant) -> None:
    interrupt(postgres_tenant, "after index")
    with postgres_tenant.database.writing() as connection:
        done = connection.exec_driver_sql(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_o_deal_1'::regclass"
        )
        assert done.rowcount == 1
    postgres_tenant.publisher.resume()
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)


@pytest.mark.parametrize(("key", "clashing"), [("name", {"name": "D1"}), ("size", {"name": "x", "size": 1})])
def test_values_that_clash_meanwhile_give_the_change_up_and_leave_no_index(
    postgres_tenant: Tenant, key: str, clashing: dict[str, object]
) -> None:
    """The case-folded name is found when the change catches up, the number when its index is built."""

    def meanwhile(step: str) -> None:
        if step == "before index" and not done:
            done.extend(create(postgres_tenant, "deal", clashing))

    done: list[int] = []
    publisher = Publisher(postgres_tenant, fault=meanwhile)
    fields = (NAME, field("size", "integer"))
    unique = obj("deal", *({**f, "unique": True} if f["name"] == key else f for f in fields))
    with pytest.raises(DuplicateValues, match="Resolve them first"):
        publisher.apply(publisher.plan_documents([unique]))
    assert indexes(postgres_tenant) == {}
    assert postgres_tenant.publisher.running() is None
    create(postgres_tenant, "deal", clashing)
    assert len(values(postgres_tenant, "deal", "name")) == 5


def test_given_up_change_takes_its_finished_indexes_with_it(postgres_tenant: Tenant) -> None:
    interrupt(postgres_tenant, "before activate")
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)
    postgres_tenant.publisher.abandon()
    assert indexes(postgres_tenant) == {}
    publish(postgres_tenant, UNIQUE)
    assert indexes(postgres_tenant) == dict.fromkeys(NAMES, True)


def test_index_that_stands_under_the_name_for_other_columns_is_replaced(
    postgres_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis.publishing.online.LARGE_ROWS", 1000)
    with postgres_tenant.database.writing() as connection:
        connection.exec_driver_sql("CREATE INDEX ix_o_deal_1 ON o_deal (f_size)")
    publish(postgres_tenant, UNIQUE)
    with postgres_tenant.database.reading() as connection:
        found = sa.inspect(connection).get_indexes("o_deal", schema=postgres_tenant.database.schema)
    assert {i["name"]: (i["column_names"], i["unique"]) for i in found if i["name"] in NAMES} == {
        "ix_o_deal_1": (["k_name"], True),
        "ix_o_deal_2": (["f_size", "id"], False),
    }


def test_two_processes_that_build_at_once_build_each_index_once(postgres_tenant: Tenant) -> None:
    import threading

    interrupt(postgres_tenant, "before index")
    problems: list[BaseException] = []

    def go_on() -> None:
        try:
            postgres_tenant.publisher.resume()
        except BaseException as problem:
            problems.append(problem)

    with counting(postgres_tenant) as statements:
        both = [threading.Thread(target=go_on) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(60)
    assert problems == []
    assert sum("INDEX CONCURRENTLY" in s and s.startswith("CREATE") for s in statements) == 2
    assert write(postgres_tenant, lambda tx: tx.create("deal", [{"name": "after"}]), ADMIN)
