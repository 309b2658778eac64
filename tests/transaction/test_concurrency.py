"""Many writers at once: nothing is lost, nothing is given twice, and no database error reaches a caller."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.kernel import counting, create, ref, rows, values, write

from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid, Transaction, VersionConflict


def together(count: int, work: Callable[[int], None]) -> list[str]:
    """Run ``work`` in threads that start at once; return what went wrong."""
    barrier, failures = threading.Barrier(count), []

    def run(n: int) -> None:
        barrier.wait()
        try:
            work(n)
        except Exception as problem:
            failures.append(repr(problem)[:300])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(t.is_alive() for t in threads)
    return failures


def test_auto_numbers_of_eight_threads_never_repeat(crm: Tenant) -> None:
    assert together(8, lambda n: [create(crm, "ticket", {}, {}) for _ in range(6)] and None) == []
    numbers = values(crm, "ticket", "number")
    assert len(numbers) == len(set(numbers)) == 96


def test_eight_threads_on_one_record_lose_no_update(crm: Tenant) -> None:
    [board] = create(crm, "board", {"name": "0"})

    def work(_n: int) -> None:
        for _ in range(4):
            while True:
                [row] = rows(crm, "board", fields=["name"])
                change = {"id": board, "name": str(int(row["name"]) + 1), "version": row["version"]}
                try:
                    write(crm, lambda tx, change=change: tx.update("board", [change]))  # type: ignore[misc]
                    break
                except VersionConflict:
                    continue

    assert together(8, work) == []
    assert rows(crm, "board", fields=["name"])[0] | {"id": 0} == {"id": 0, "version": 33, "name": "32"}


def test_of_writers_of_one_unique_value_one_wins_and_the_others_are_told(crm: Tenant) -> None:
    refused: list[object] = []

    def work(_n: int) -> None:
        try:
            create(crm, "account", {"name": "Acme"})
        except RecordsInvalid as problem:
            refused.append(problem.errors)

    assert together(6, work) == []
    assert (values(crm, "account", "name"), len(refused)) == (["Acme"], 5)


def test_crossing_orders_are_run_again(crm: Tenant) -> None:
    a, b = create(crm, "board", {"name": "a"}, {"name": "b"})
    first = threading.Barrier(2)

    def work(n: int) -> None:
        order, tries = ([a, b], [b, a])[n], []

        def body(tx: Transaction) -> None:
            tries.append(n)
            tx.update("board", [{"id": order[0], "name": f"x{n}{len(tries)}"}])
            if len(tries) == 1 and not crm.database.is_sqlite:
                first.wait(10)
            tx.update("board", [{"id": order[1], "name": f"y{n}{len(tries)}"}])

        write(crm, body)

    assert together(2, work) == []
    assert [r["version"] for r in rows(crm, "board")] == [3, 3]


def test_child_and_deletion_of_its_parent_never_both_succeed(crm: Tenant) -> None:
    for n in range(4):
        [account] = create(crm, "account", {"name": f"a{n}"})

        def work(k: int, account: int = account) -> None:
            try:
                if k:
                    create(crm, "deal", {"name": "d", "account": ref(crm, "account", account)})
                else:
                    write(crm, lambda tx: tx.delete("account", [account]))
            except RecordsInvalid:
                pass

        assert together(2, work) == []
    assert [r for r in rows(crm, "deal", fields=["account", "account.name"]) if r["account.name"] is None] == []


WRITER = """
import sys, threading
from trellis.runtime import Runtime
from support.kernel import create
tenant = Runtime(sys.argv[1], database_url=sys.argv[2]).tenant("acme")
failed = []
def work():
    try:
        for _ in range(5):
            create(tenant, "ticket", {"subject": "x"})
    except Exception as problem:
        failed.append(repr(problem))
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(failed)
"""


def test_four_processes_of_eight_threads_share_a_database(crm: Tenant, tmp_path: Path, database_url: str) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "home"), database_url]
    folder = Path(__file__).parents[1]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
        for _ in range(4)
    ]
    answers = [child.communicate(timeout=100) for child in children]
    assert answers == [("[]\n", "")] * 4
    numbers = values(crm, "ticket", "number")
    assert len(numbers) == len(set(numbers)) == 160


@pytest.mark.parametrize("work", ["create", "update", "delete"])
def test_statements_do_not_grow_with_the_rows(crm: Tenant, work: str) -> None:
    counts = []
    for size in (5, 50, 500):  # the first loads what stays in memory
        [account] = create(crm, "account", {"name": f"a{size}"})
        link = ref(crm, "account", account)
        batch = [{"name": f"n{i}", "account": link} for i in range(size)]
        ids = [] if work == "create" else create(crm, "deal", *batch)
        crm.ids.reserve()
        while crm.ids._end - crm.ids._next < 600:
            crm.ids.take(crm.ids._end - crm.ids._next, None)  # type: ignore[arg-type]
            crm.ids.reserve()
        with counting(crm) as seen:
            if work == "create":
                create(crm, "deal", *batch)
            elif work == "update":
                write(crm, lambda tx, ids=ids: tx.update("deal", [{"id": i, "name": "z", "stage": "won"} for i in ids]))  # type: ignore[misc]
            else:
                write(crm, lambda tx, ids=ids: tx.delete("deal", ids))  # type: ignore[misc]
        counts.append(len(seen))
    assert counts[1] == counts[2] < 25
