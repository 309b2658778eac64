"""Schedules: one job per moment, none twice and none lost, whatever clocks, workers and documents do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.kernel import obj, publish, table, undo

from trellis.jobs import scheduling
from trellis.jobs.cron import BadSchedule, check, next_moment
from trellis.jobs.schedule import Schedule
from trellis.jobs.schedule_sources import Source
from trellis.storage import system
from trellis.storage.tables.schedules import schedule

from .conftest import START, Desk


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(cron: str, zone: str, after: str, count: int) -> list[str]:
    at, found = utc(after), []
    for _ in range(count):
        at = next_moment(cron, zone, at)
        found.append(f"{at:%m-%d %H:%M}")
    return found


# Worked by hand. Berlin: forward on 29 March 2026 at 01:00 UTC, back on 25 October at 01:00 UTC.
@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 00:00", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-28 23:30", ["03-29 00:00", "03-29 01:00", "03-29 02:00"]),
        ("0 * * * *", "Europe/Berlin", "2026-10-24 23:30", ["10-25 00:00", "10-25 01:00", "10-25 02:00"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25 00:00", ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-26 01:00"]),
        ("0 9 * * 1", "Asia/Shanghai", "2026-03-01 00:00", ["03-02 01:00", "03-09 01:00"]),
        ("0 0 29 2 *", "UTC", "2026-01-01 00:00", ["02-29 00:00"]),
        ("0 8 L * *", "UTC", "2026-02-01 00:00", ["02-28 08:00", "03-31 08:00"]),
        ("0 12 * * MON#2", "UTC", "2026-03-01 00:00", ["03-09 12:00", "04-13 12:00"]),
    ],
)  # fmt: skip
def test_moments_agree_with_those_worked_by_hand(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert moments(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "message"),
    [
        ("0 9 * *", "UTC", "five fields"),
        ("0 0 9 * * 1", "UTC", "five fields"),
        ("61 9 * * *", "UTC", "minute"),
        ("0 0 30 2 *", "UTC", "is no schedule|never comes"),
        ("0 9 * * *", "Mars", "no time zone"),
        ("0 9 * * *", "../etc", "no time zone"),
        (" ".join(["0," * 40 + "1", "*", "*", "*", "*", "*"]), "UTC", "five fields"),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, zone: str, message: str) -> None:
    with pytest.raises(BadSchedule, match=message):
        check(cron, zone)


Plan = Callable[..., None]


@pytest.fixture
def plan(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Let each object ask for what stands in its description, by name."""
    asked: dict[str, list[Schedule]] = {}
    source = Source("object", lambda d: asked.get(d["name"], []))
    monkeypatch.setattr(scheduling, "sources", lambda: {"object": source})
    desk.during = lambda job: job.payload.setdefault("name", job.payload["schedule"]["moment"])

    def publish_plan(**wanted: list[Schedule]) -> None:
        asked.clear()
        asked.update(wanted)
        publish(desk.tenant, *(obj(name, {"name": "name", "type": "text"}) for name in wanted))
        with desk.tenant.database.writing() as connection:
            scheduling.follow(desk.tenant, connection, desk.tenant.model_in(connection).snapshot)

    return publish_plan


def every(cron: str, **more: Any) -> Schedule:
    return Schedule(cron, "note", {}, **more)


def ran(desk: Desk) -> list[str]:
    return [f"{datetime.fromisoformat(m):%m-%d %H:%M}" for m in desk.work()]


def test_each_moment_makes_one_job_and_nothing_drifts(desk: Desk, plan: Plan) -> None:
    plan(report=[every("0 */6 * * *")])
    found = []
    for _ in range(9):
        desk.wait(hours=3, minutes=1)
        found += ran(desk)
    assert found == ["03-02 12:00", "03-02 18:00", "03-03 00:00", "03-03 06:00", "03-03 12:00"]


def test_moments_of_a_down_time_run_once_or_as_declared(desk: Desk, plan: Plan) -> None:
    plan(a=[every("0 * * * *")], b=[every("0 * * * *", missed="each")], c=[every("0 * * * *", missed="skip")])
    owners: dict[str, list[str]] = {"a": [], "b": [], "c": []}

    def note(job: Any) -> None:
        told = job.payload["schedule"]
        job.payload["name"] = "-"
        owners[told["owner"]].append(f"{datetime.fromisoformat(told['moment']):%H:%M} {told['missed']}")

    desk.during = note
    desk.wait(hours=3, minutes=30)
    desk.work()
    assert owners == {"a": ["12:00 2"], "b": ["10:00 2", "11:00 2", "12:00 2"], "c": []}
    desk.wait(hours=1, minutes=-25)
    desk.work()
    assert [owners[n][-1] for n in "abc"] == ["13:00 0"] * 3


def test_a_hundred_missed_moments_at_most_are_made_up_for(desk: Desk, plan: Plan) -> None:
    plan(a=[every("* * * * *", missed="each")])
    desk.wait(hours=3)
    assert len(desk.work()) == 100
    assert table(desk.tenant, schedule)[0]["next_at"] == desk.clock.now() + timedelta(minutes=1)


def test_a_night_with_a_change_of_clocks_has_one_run(desk: Desk, plan: Plan) -> None:
    desk.clock.set(utc("2026-10-24 12:00"))
    plan(a=[every("30 2 * * *", zone="Europe/Berlin")])
    found = []
    for _ in range(6 * 24):
        desk.wait(minutes=10)
        found += ran(desk)
    assert found == ["10-25 00:30"]


def test_a_repeated_message_makes_no_second_job(desk: Desk, plan: Plan) -> None:
    plan(a=[every("0 * * * *")])
    [row] = table(desk.tenant, schedule)
    desk.wait(hours=1)
    for _ in range(3):
        scheduling.run_due(desk.tenant, row["id"], row["next_at"])
    assert ran(desk) == ["03-02 10:00"]


def test_several_workers_make_one_job_per_moment(desk: Desk, plan: Plan) -> None:
    plan(**{n: [every("0 * * * *")] for n in ("a", "b", "c", "d")})
    desk.wait(hours=1)
    workers = [threading.Thread(target=desk.worker(batch=1).run_until_idle) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    desk.work()
    assert len(desk.delivered) == 4


def test_the_next_run_waits_for_the_one_before_it(desk: Desk, plan: Plan) -> None:
    plan(a=[every("0 * * * *", missed="each")])
    desk.wait(hours=2)
    desk.worker().run_once()
    jobs = desk.worker()._claim()
    assert [j.topic for j in jobs] == ["note"] and desk.worker()._claim() == []


def test_publishing_keeps_what_stays_changes_what_changed_and_takes_away_the_rest(desk: Desk, plan: Plan) -> None:
    plan(a=[every("0 * * * *"), every("0 12 * * *", name="noon")], b=[every("0 * * * *")])
    before = {(r["owner"], r["name"]): r for r in table(desk.tenant, schedule)}
    desk.wait(minutes=90)
    desk.work()
    plan(a=[every("0 * * * *")], b=[every("30 * * * *")])
    after = {(r["owner"], r["name"]): r for r in table(desk.tenant, schedule)}
    assert set(after) == {("a", "main"), ("b", "main")}
    assert after["a", "main"]["id"] == before["a", "main"]["id"]
    assert after["b", "main"]["next_at"] == START + timedelta(hours=2, minutes=30)
    waiting = [r for r in table(desk.tenant, system.outbox) if r["topic"] == "schedule"]
    assert len(waiting) == 2


def test_document_that_is_gone_runs_no_more_and_undo_brings_it_back(desk: Desk, plan: Plan) -> None:
    plan(a=[every("0 * * * *")])
    publish(desk.tenant, removed=[("object", "a")])
    assert table(desk.tenant, schedule) == []
    desk.wait(hours=2)
    assert desk.work() == []
    undo(desk.tenant)
    desk.wait(hours=1)
    assert len(desk.work()) == 1
