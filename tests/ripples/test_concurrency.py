"""Several writers on the children of one parent: the parent ends exact."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ripples.test_values import deal, read, spend, usd
from support.kernel import ADMIN, API, create, ref, write

from trellis.tenant import Tenant


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


def test_eight_writers_on_the_children_of_one_parent_end_exact(books: Tenant) -> None:
    [account] = create(books, "account", {"name": "a"})
    one, two = (deal(books, account=ref(books, "account", account)) for _ in range(2))
    moving = spend(books, one, *["1.00"] * 8, status="approved")

    def work(n: int) -> None:
        for step in range(3):
            [made] = spend(books, one, "10.00", status="approved")
            write(books, lambda tx, made=made: tx.update("expense", [{"id": made, "amount": "20.00"}]))  # type: ignore[misc]
            target = ref(books, "deal", (two, one)[step % 2])
            write(books, lambda tx, t=target: tx.update("expense", [{"id": moving[n], "deal": t}]))  # type: ignore[misc]
            if step == 2:
                write(books, lambda tx, made=made: tx.delete("expense", [made]))  # type: ignore[misc]

    assert together(8, work) == []
    # Each writer leaves two expenses of 20 with the first deal and moves its own expense of 1 to the second.
    assert read(books, one, "expenses", "cost") == [16, usd("320.00")]
    assert read(books, two, "expenses", "cost") == [8, usd("8.00")]
    assert read(books, account, "expenses", "total_cost", of="account") == [24, usd("328.00")]


def test_a_writer_that_waits_for_another_sees_what_the_other_wrote(books: Tenant) -> None:
    """The case that many writers at once do not show: the second one's statement must not begin before the first commits."""
    record = deal(books)
    first, second = spend(books, record, "10.00", "10.00", status="approved")
    written = threading.Event()
    failures: list[str] = []

    def later() -> None:
        written.wait(30)
        try:
            write(books, lambda tx: tx.update("expense", [{"id": second, "amount": "100.00"}]))
        except Exception as problem:
            failures.append(repr(problem))

    thread = threading.Thread(target=later)
    thread.start()
    with books.transaction(ADMIN, API) as tx:
        tx.update("expense", [{"id": first, "amount": "100.00"}])
        written.set()
        thread.join(0.5)  # it waits for the parent's lock, or for the one writer of SQLite
        assert thread.is_alive()
    thread.join(30)
    assert failures == []
    assert read(books, record, "cost") == [usd("200.00")]
