"""Several processes on one database: nobody writes under a model that was replaced."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kernel import ADMIN, API, create, field, obj, publish, rows, values, write

from trellis.publishing.publisher import StalePlan
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis.transaction import Transaction

NAME = field("name", required=True)


@pytest.fixture
def two(runtime: Runtime, database_url: str) -> Iterator[tuple[Tenant, Tenant]]:
    """One tenant, opened by two runtimes as two processes would."""
    tenant = runtime.create_tenant("acme")
    publish(tenant, obj("deal", NAME))
    other = Runtime(runtime.home, database_url=database_url)
    yield tenant, other.tenant("acme")
    other.close()


def test_other_runtime_serves_a_new_field_at_its_next_transaction(two: tuple[Tenant, Tenant]) -> None:
    one, other = two
    create(other, "deal", {"name": "a"})
    publish(one, obj("deal", NAME, field("size", "integer")), obj("visit", NAME))
    create(other, "deal", {"name": "b", "size": 2})
    create(other, "visit", {"name": "v"})
    assert values(one, "deal", "size") == values(other, "deal", "size") == [None, 2]


CHILD = """
import sys
from trellis.runtime import Runtime
from support.kernel import create, values
runtime = Runtime(sys.argv[1], database_url=sys.argv[2])
tenant = runtime.tenant("acme")
print("fields", *tenant.model().object("deal").fields, flush=True)
sys.stdin.readline()
create(tenant, "deal", {"name": "child", "size": 3})
print("sizes", *values(tenant, "deal", "size"), flush=True)
"""


@pytest.mark.slow
def test_other_process_serves_a_new_field_at_its_next_transaction(runtime: Runtime, database_url: str) -> None:
    tenant = runtime.create_tenant("acme")
    publish(tenant, obj("deal", NAME))
    command = [sys.executable, "-c", CHILD, str(runtime.home), database_url]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "fields name\n"
        publish(tenant, obj("deal", NAME, field("size", "integer")))
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "sizes 3\n"
    assert values(tenant, "deal", "size") == [3]


def test_writer_in_the_middle_finishes_before_the_publication(two: tuple[Tenant, Tenant]) -> None:
    one, other = two
    inside, publisher = (
        threading.Event(),
        threading.Thread(target=lambda: publish(one, obj("deal", field("title", required=True, was=["name"])))),
    )

    def body(tx: Transaction) -> int:
        if not inside.is_set():
            inside.set()
            publisher.start()
            publisher.join(0.3)
            assert publisher.is_alive(), "the publication did not wait for the writer"
        return tx.model.version

    with other.transaction(ADMIN, API) as tx:
        tx.create("deal", [{"name": "before"}])
        body(tx)
    publisher.join(10)
    assert values(other, "deal", "title") == ["before"]


def test_writer_that_meets_a_newer_model_is_run_again(two: tuple[Tenant, Tenant]) -> None:
    """The object is compiled in the middle of the transaction, after its version was read: it must be of that version."""
    one, other = two
    seen: list[int] = []

    def body(tx: Transaction) -> None:
        seen.append(tx.model.version)
        tx.create("deal", [{"name": f"v{tx.model.version}"}])

    publish(one, obj("deal", NAME, field("size", "integer")))
    write(other, body)
    assert seen == [one.model().version]


def test_of_two_publishers_one_wins_and_the_other_is_stale(two: tuple[Tenant, Tenant]) -> None:
    plans = [t.publisher.plan_documents([obj("deal", NAME, field(f"f{i}"))]) for i, t in enumerate(two)]
    results: list[object] = [None, None]
    barrier = threading.Barrier(2)

    def run(i: int) -> None:
        barrier.wait()
        try:
            results[i] = two[i].publisher.apply(plans[i])
        except StalePlan as stale:
            results[i] = stale.code

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, results)) == ["3", "stale_plan"]
    winner = results.index(3)
    assert list(two[0].model().object("deal").fields) == ["name", f"f{winner}"]
    assert list(two[1].model().object("deal").fields) == ["name", f"f{winner}"]


def test_writers_go_on_through_ten_publications(two: tuple[Tenant, Tenant]) -> None:
    one, other = two
    stop, failures, written = threading.Event(), [], []

    def writer() -> None:
        while not stop.is_set():
            try:
                written.extend(create(other, "deal", {"name": "w"}))
                rows(other, "deal", limit=3)
            except Exception as problem:
                failures.append(repr(problem))
                return

    threads = [threading.Thread(target=writer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(10):
        publish(one, obj("deal", NAME, field("size", ["text", "integer"][n % 2]), *([field("more")] if n % 3 else [])))
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert len(values(one, "deal", "name", limit=1000)) == min(len(written), 1000)


def test_changed_settings_reach_the_other_process(two: tuple[Tenant, Tenant]) -> None:
    one, other = two
    publish(one, obj("deal", NAME, field("amount", "currency")))
    one.change_settings(currency="CNY")
    create(other, "deal", {"name": "a", "amount": "5"})
    assert values(one, "deal", "amount") == [{"amount": "5.00", "currency": "CNY"}]
