"""Messages of one subject are delivered one after the other, by any number of workers; one message waits under a key."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.kernel import counting, table, write

from trellis.jobs.letters import dead_letters, revive
from trellis.jobs.worker import ATTEMPTS
from trellis.storage import outbox, system
from trellis.storage.outbox import BadMessage, Message

from .conftest import START, Desk


def states(desk: Desk) -> dict[str, str]:
    return {r["payload"]["name"]: r["state"] for r in table(desk.tenant, system.outbox)}


# -- order -----------------------------------------------------------------------------------------------------------------


def test_messages_of_one_subject_go_in_the_order_in_which_they_were_put_in(desk: Desk) -> None:
    for name in "abcde":
        desk.put(name, subject="s")
    assert desk.work() == list("abcde")
    assert table(desk.tenant, system.outbox) == []


def test_a_second_worker_takes_nothing_of_a_subject_that_is_worked_on(desk: Desk) -> None:
    for name, subject in (("a", "s"), ("b", "s"), ("c", "t"), ("d", None)):
        desk.put(name, subject=subject)
    first, second = desk.worker(), desk.worker()
    assert [j.payload["name"] for j in first._claim()] == ["a", "c", "d"]
    assert second._claim() == []
    assert states(desk) == {"a": "running", "b": "held", "c": "running", "d": "running"}


def test_a_failing_message_holds_its_subject_and_no_other_until_it_succeeds(desk: Desk) -> None:
    desk.fails = {"a"}
    for name, subject in (("a", "s"), ("b", "s"), ("c", "t")):
        desk.put(name, subject=subject)
    assert desk.work() == ["c"]
    desk.wait(seconds=1)
    assert desk.work() == []
    desk.fails.clear()
    desk.wait(seconds=1)
    assert desk.work() == ["a", "b"]


def test_a_dead_letter_lets_its_subject_go_on_and_goes_first_when_it_is_revived(desk: Desk) -> None:
    desk.fails = {"a"}
    number = desk.put("a", subject="s")
    desk.put("b", subject="s")
    for _ in range(ATTEMPTS):
        desk.work()
        desk.wait(hours=1)
    assert desk.work() == [] and desk.delivered == ["b"]
    assert [d["id"] for d in dead_letters(desk.tenant)] == [number]
    desk.fails.clear()
    desk.put("c", subject="s")
    assert revive(desk.tenant, number)
    assert desk.work() == ["a", "c"]


def test_a_message_for_later_does_not_hold_what_is_due_before_it(desk: Desk) -> None:
    desk.put("clock", subject="s", due_at=START + timedelta(days=1))
    desk.put("now", subject="s")
    assert desk.work() == ["now"]
    desk.wait(days=1)
    desk.put("late", subject="s")
    assert desk.work() == ["clock", "late"]


def test_a_message_for_later_waits_for_the_one_that_is_worked_on_when_its_moment_comes(desk: Desk) -> None:
    desk.put("clock", subject="s", due_at=START + timedelta(seconds=1))
    desk.put("slow", subject="s")
    [slow] = desk.worker()._claim()
    desk.wait(seconds=2)
    assert slow.payload["name"] == "slow" and desk.worker()._claim() == []
    desk.wait(minutes=5)
    assert [j.payload["name"] for j in desk.worker()._claim()] == ["slow"], "a lost lease holds its subject"


def test_cancelling_the_message_that_holds_a_subject_lets_the_next_go(desk: Desk) -> None:
    desk.fails = {"a"}
    desk.put("a", subject="s", key="k")
    desk.put("b", subject="s")
    assert desk.work() == [] and states(desk) == {"a": "ready", "b": "held"}
    assert desk.cancel("k") == 1
    assert desk.work() == ["b"]


def test_unique_index_refuses_a_second_holder_whatever_the_code_does(desk: Desk) -> None:
    for name in "ab":
        desk.put(name, subject="s")
    with pytest.raises(sa.exc.IntegrityError), desk.tenant.database.writing() as connection:
        connection.execute(system.outbox.update().values(holds="s"))


def test_claim_costs_the_same_behind_a_thousand_held_messages(desk: Desk) -> None:
    desk.fails = {"first"}
    desk.put("first", subject="s")
    write(desk.tenant, lambda tx: tx.trail.enqueue_many("note", [Message({"name": "x"}, subject="s")] * 1000))
    desk.work()
    desk.put("other")
    with counting(desk.tenant) as statements:
        assert desk.work() == ["other"]
    # BEGIN is not counted: asking (2), claim, acknowledgement, asking (2); on PostgreSQL with the schemas and the lock.
    assert len(statements) <= 14
    assert sum(s == "held" for s in [r["state"] for r in table(desk.tenant, system.outbox)]) == 1000


@pytest.mark.parametrize("many", [1, 50])
def test_cancelling_and_releasing_take_a_fixed_number_of_statements(desk: Desk, many: int) -> None:
    keys = [f"k{i}" for i in range(many)]
    write(desk.tenant, lambda tx: tx.trail.enqueue_many("note", [Message({"name": k}, subject=k, key=k) for k in keys]))
    with counting(desk.tenant) as statements, desk.tenant.database.writing() as connection:
        assert outbox.cancel(connection, keys) == many
    assert len([s for s in statements if "t_outbox" in s]) == 2


Step = tuple[str, Any]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.tuples(st.sampled_from("stu"), st.integers(0, 3))),
        st.tuples(st.just("claim"), st.integers(0, 2)),
        st.tuples(st.just("end"), st.tuples(st.integers(0, 2), st.sampled_from(("done", "fail", "dead", "lost")))),
        st.tuples(st.just("wait"), st.integers(1, 4)),
    ),
    max_size=40,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_walk_lets_two_of_a_subject_run_or_loses_a_message(desk: Desk, steps: list[Step]) -> None:
    with desk.tenant.database.writing() as connection:
        connection.execute(system.outbox.delete())
    workers = [desk.worker(batch=3) for _ in range(3)]
    running: list[list[Any]] = [[], [], []]
    put, ended = [], []
    for what, value in steps:
        if what == "put":
            subject, later = value
            put.append(desk.put("x", subject=subject, due_at=desk.clock.now() + timedelta(seconds=later)))
        elif what == "claim" and not running[value]:
            running[value] = workers[value]._claim()
        elif what == "end" and running[value[0]]:
            number, how = value
            job = running[number].pop(0)
            end(desk, workers[number], job, how)
            ended += [job.id] if how in ("done", "dead") else []
        elif what == "wait":
            desk.wait(seconds=value)
        subjects = [j.subject for jobs in running for j in jobs]
        assert len(subjects) == len(set(subjects))
    for worker, jobs in zip(workers, running, strict=True):
        for job in jobs:
            worker._give_back(job)
    desk.wait(hours=1)
    left = []
    while jobs := workers[0]._claim():
        left += [(j.subject, j.id) for j in jobs]
        workers[0]._acknowledge(jobs)
    assert sorted([*ended, *(i for _, i in left)]) == put


def end(desk: Desk, worker: Any, job: Any, how: str) -> None:
    if how == "done":
        worker._acknowledge([job])
    elif how == "fail":
        worker._put_off(job, "no")
    elif how == "dead":
        worker._bury(job, "no")
    else:
        worker._give_back(job)


def test_workers_in_threads_keep_the_order_of_every_subject(desk: Desk) -> None:
    messages = [Message({"name": f"{s}{i:02}"}, subject=s) for i in range(12) for s in "stuv"]
    write(desk.tenant, lambda tx: tx.trail.enqueue_many("note", messages))
    workers = [threading.Thread(target=desk.worker(batch=3).run_until_idle) for _ in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    desk.work()
    assert sorted(desk.delivered) == sorted(m.payload["name"] for m in messages)
    for subject in "stuv":
        mine = [n for n in desk.delivered if n.startswith(subject)]
        assert mine == sorted(mine)


# -- keys ------------------------------------------------------------------------------------------------------------------


def test_a_new_message_replaces_the_one_that_waits_under_its_key(desk: Desk) -> None:
    old = desk.put("old", key="k", due_at=START + timedelta(hours=1))
    new = desk.put("new", key="k", due_at=START + timedelta(hours=2))
    desk.wait(hours=1)
    assert desk.work() == [] and old != new
    desk.wait(hours=1)
    assert desk.work() == ["new"]


def test_of_several_messages_under_one_key_in_one_call_the_last_stays(desk: Desk) -> None:
    some = [Message({"name": n}, key=k) for n, k in (("a", "k"), ("b", None), ("c", "k"), ("d", "l"))]
    write(desk.tenant, lambda tx: tx.trail.enqueue_many("note", some))
    assert desk.work() == ["b", "c", "d"]


def test_cancelled_messages_are_not_delivered_and_unknown_keys_are_nothing(desk: Desk) -> None:
    for name in "abc":
        desk.put(name, key=name)
    assert desk.cancel("a", "c", "nobody") == 2
    assert desk.work() == ["b"]
    assert desk.cancel("b") == 0


def test_a_cancellation_that_is_rolled_back_never_was(desk: Desk) -> None:
    desk.put("a", key="a")
    write(desk.tenant, lambda tx: tx.trail.cancel(["a"]), preview=True)
    assert desk.work() == ["a"]


def test_a_message_replaced_while_it_failed_is_not_tried_again(desk: Desk) -> None:
    desk.fails = {"old"}
    desk.during = lambda job: desk.put("new", key="k", subject="s") if job.payload["name"] == "old" else None
    desk.put("old", key="k", subject="s")
    desk.work()
    desk.wait(hours=1)
    desk.work()
    assert desk.delivered == ["new"] and table(desk.tenant, system.outbox) == []


def test_a_revived_letter_leaves_its_key_to_the_one_that_waits(desk: Desk) -> None:
    desk.fails = {"old"}
    number = desk.put("old", key="k")
    for _ in range(ATTEMPTS):
        desk.work()
        desk.wait(hours=1)
    desk.put("new", key="k", due_at=START + timedelta(days=30))
    assert revive(desk.tenant, number)
    assert desk.cancel("k") == 1
    desk.fails.clear()
    assert desk.work() == ["old"]


@pytest.mark.parametrize("names", [{"subject": "x" * 121}, {"key": "x" * 201}, {"subject": ""}, {"key": ""}])
def test_names_that_the_outbox_cannot_keep_are_refused(desk: Desk, names: dict[str, str]) -> None:
    with pytest.raises(BadMessage, match="characters"):
        desk.put("a", **names)


# -- leases ----------------------------------------------------------------------------------------------------------------


def test_a_job_behind_a_long_one_is_left_to_the_worker_that_has_taken_it_over(desk: Desk) -> None:
    taken: list[Any] = []

    def linger(job: Any) -> None:
        if job.payload["name"] == "long":
            desk.wait(minutes=6)
            taken.extend(desk.worker()._claim())

    desk.during = linger
    desk.put("long")
    desk.put("next")
    assert desk.worker().run_once() == 2
    assert sorted(j.payload["name"] for j in taken) == ["long", "next"] and desk.delivered == ["long"]


def test_a_worker_that_is_told_to_stop_finishes_its_job_and_gives_the_others_back(desk: Desk) -> None:
    stop = threading.Event()
    desk.during = lambda job: stop.set()
    for name in "abc":
        desk.put(name, subject=name)
    assert desk.worker().run_once(stop.is_set) == 3
    assert desk.delivered == ["a"]
    left = table(desk.tenant, system.outbox)
    assert [(r["state"], r["attempts"], r["worker"], r["holds"]) for r in left] == [("ready", 0, None, None)] * 2


def test_short_jobs_are_done_with_before_a_long_one_begins(desk: Desk) -> None:
    seen: list[int] = []

    def look(job: Any) -> None:
        if job.topic == "kept":
            seen.extend(r["payload"]["name"] == "short" for r in table(desk.tenant, system.outbox))

    desk.during = look
    desk.put("long", topic="kept")
    desk.put("short")
    assert desk.work() == ["short", "long"] and not any(seen)
