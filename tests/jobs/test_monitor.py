"""What administrators see of jobs and do with them, by API and command line; and that nobody else does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.app import World, world
from support.kernel import ADMIN, table

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.cli import root
from trellis.jobs import Worker, monitor
from trellis.jobs.job import LeaseLost
from trellis.jobs.worker import ATTEMPTS
from trellis.storage import outbox, system
from trellis.storage.tables.audit import audit

from .conftest import Desk


def give_up(desk: Desk, name: str, **options: Any) -> int:
    desk.fails.add(name)
    number = desk.put(name, **options)
    for _ in range(ATTEMPTS):
        desk.work()
        desk.wait(hours=1)
    desk.fails.discard(name)
    return number


def listed(desk: Desk, **options: Any) -> list[int]:
    with desk.tenant.database.reading() as connection:
        return [j["id"] for j in monitor.jobs(connection, **options)]


def left(desk: Desk) -> list[tuple[int, str]]:
    """The jobs of the tests' own topics."""
    found = table(desk.tenant, system.outbox)
    return [(r["id"], r["state"]) for r in found if r["topic"] in ("note", "kept")]


def test_jobs_are_listed_newest_first_by_state_and_topic_page_by_page(desk: Desk) -> None:
    dead = give_up(desk, "dead")
    kept = desk.put("kept", topic="kept")
    desk.work()
    later = desk.put("later", due_at=desk.clock.now() + timedelta(days=1))
    assert listed(desk) == [later, kept, dead]
    assert listed(desk, state="dead") == [dead] and listed(desk, topic="kept") == [kept]
    assert listed(desk, limit=2) == [later, kept] and listed(desk, before=kept) == [dead]
    with pytest.raises(monitor.UnknownJobState, match="dead"):
        listed(desk, state="ded")


def test_health_tells_what_waits_since_when_and_what_was_given_up(desk: Desk) -> None:
    give_up(desk, "x")
    desk.put("due", due_at=desk.clock.now() - timedelta(minutes=2))
    desk.put("later", due_at=desk.clock.now() + timedelta(minutes=2))
    with desk.tenant.database.reading() as connection:
        health = monitor.health(connection, desk.clock.now())
    assert (health["due"], health["waiting_s"], health["dead_by_topic"]) == (1, 120, {"note": 1})
    assert (health["states"]["ready"], health["states"]["dead"], health["states"]["running"]) == (2, 1, 0)


def test_retry_revives_dead_letters_and_does_not_let_failed_ones_wait(desk: Desk) -> None:
    dead = give_up(desk, "dead")
    desk.fails = {"failed"}
    failed, fresh = desk.put("failed"), desk.put("fresh", due_at=desk.clock.now() + timedelta(days=1))
    desk.work()
    desk.fails.clear()
    assert monitor.retry(desk.tenant, ADMIN, [dead, failed, fresh, 99_999]) == [dead, failed]
    assert sorted(desk.work()) == ["dead", "failed"]
    noted = [r for r in table(desk.tenant, audit) if r["kind"] == "job_retried"]
    assert [r["detail"]["jobs"] for r in noted] == [[dead, failed]]


def test_of_two_dead_letters_under_one_key_the_newer_keeps_it(desk: Desk) -> None:
    one, two = give_up(desk, "one", key="k"), give_up(desk, "two", key="k")
    assert monitor.retry(desk.tenant, ADMIN, [one, two]) == [one, two]
    assert desk.cancel("k") == 1 and desk.work() == ["one"]


def test_cancel_takes_back_what_waits_and_lets_its_subject_go_on(desk: Desk) -> None:
    desk.fails = {"a"}
    first, second = desk.put("a", subject="s"), desk.put("b", subject="s")
    desk.work()
    assert monitor.cancel(desk.tenant, ADMIN, [first]) == [first]
    assert desk.work() == ["b"]
    assert left(desk) == [(first, "cancelled")]
    assert monitor.cancel(desk.tenant, ADMIN, [first, second]) == []


def test_cancelled_job_that_runs_stops_at_its_next_step_and_is_not_tried_again(desk: Desk) -> None:
    def stop(job: Any) -> None:
        monitor.cancel(desk.tenant, ADMIN, [job.id])
        with pytest.raises(LeaseLost), desk.tenant.database.writing() as connection:
            job.save(connection, done=1)
        raise LeaseLost("")

    desk.during = stop
    number = desk.put("long", topic="kept")
    assert desk.work() == []
    desk.wait(hours=1)
    assert desk.work() == []
    assert left(desk) == [(number, "cancelled")]


def test_short_job_that_ends_while_it_is_cancelled_leaves_nothing(desk: Desk) -> None:
    desk.during = lambda job: monitor.cancel(desk.tenant, ADMIN, [job.id])
    desk.put("short", subject="s")
    assert desk.work() == ["short"] and left(desk) == []


# -- the API ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tenant behind the API with one dead letter."""
    home: Path = tmp_path_factory.mktemp("jobs")
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_cluster").create_database()
    with world(url, home) as made:
        yield made


def dead_letter(crm: World) -> int:
    number = crm.tenant.run(SYSTEM, Cause("test"), lambda tx: tx.trail.enqueue("nobody_listens", {"secret": 1}))
    Worker(crm.tenant).run_until_idle()
    return int(number)


def test_administrator_lists_retries_and_cancels(crm: World) -> None:
    number = str(dead_letter(crm))
    [found] = crm.ada.get("/jobs?state=dead&topic=nobody_listens&limit=1").get_json()["jobs"]
    assert found["id"] == number and "nobody_listens" in found["error"] and "payload" not in found
    assert crm.ada.get("/jobs/health").get_json()["dead_by_topic"]["nobody_listens"] >= 1
    assert crm.ada.get("/jobs/schedules").get_json() == {"schedules": []}
    assert crm.ada.post("/jobs/retry", {"jobs": [number, "77"]}).get_json() == {"jobs": [number]}
    assert crm.ada.post("/jobs/cancel", {"jobs": [number]}).get_json() == {"jobs": [number]}
    assert crm.ada.get(f"/jobs?before={int(number) + 1}&limit=1").get_json()["jobs"][0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/jobs"), ("GET", "/jobs/health"), ("GET", "/jobs/schedules"), ("POST", "/jobs/retry"), ("POST", "/jobs/cancel")],
)  # fmt: skip
def test_nobody_else_sees_or_changes_jobs(crm: World, method: str, path: str) -> None:
    body = {"jobs": [str(dead_letter(crm))]} if method == "POST" else None
    answers = [c.call(method, path, body) for c in (crm.bob, crm.nobody, crm.token(crm.ada.user, "read", "write"))]
    assert [a.status_code for a in answers] == [403, 401, 403]
    assert all("nobody_listens" not in a.get_data(as_text=True) for a in answers)
    if body:
        with crm.tenant.database.reading() as connection:
            assert monitor.job_of(connection, int(body["jobs"][0]))["state"] == outbox.DEAD


@pytest.mark.parametrize("query", ["state=ded", "limit=0", "limit=501", "before=x", "order=id"])
def test_wrong_questions_are_refused(crm: World, query: str) -> None:
    assert crm.ada.get(f"/jobs?{query}").status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"jobs": []}, {"jobs": ["x"]}, {"jobs": ["1"], "all": True}, {"jobs": ["1"] * 501}]
)
def test_wrong_orders_are_refused(crm: World, body: Any) -> None:
    assert crm.ada.post("/jobs/retry", body).status_code == 400


# -- the command line ------------------------------------------------------------------------------------------------------


def cli(crm: World, *words: str) -> Any:
    options = ["--home", str(crm.runtime.home), "--tenant", "demo"]
    if crm.runtime.database_url:
        options += ["--database-url", crm.runtime.database_url]
    return CliRunner().invoke(root, [*options, "jobs", *words])


def test_command_line_lists_shows_retries_and_cancels(crm: World) -> None:
    number = str(dead_letter(crm))
    told = cli(crm, "list", "--state", "dead")
    assert told.exit_code == 0 and number in told.output and "given up" in told.output
    shown = json.loads(cli(crm, "show", number, "--json").output)
    assert (shown["id"], shown["payload"]) == (int(number), {"secret": 1})
    assert json.loads(cli(crm, "retry", number, "99", "--json").output) == {"done": [int(number)], "left": [99]}
    assert cli(crm, "cancel", number).exit_code != 0
    assert "1 job(s) cancelled" in cli(crm, "cancel", number, "--yes").output


def test_command_line_retries_everything_that_was_given_up_of_a_topic(crm: World) -> None:
    number = dead_letter(crm)
    assert json.loads(cli(crm, "retry", "--all-dead", "--topic", "other", "--json").output)["done"] == []
    assert number in json.loads(cli(crm, "retry", "--all-dead", "--topic", "nobody_listens", "--json").output)["done"]
    assert cli(crm, "retry").exit_code == 2 and cli(crm, "retry", "1", "--all-dead").exit_code == 2
    unknown = cli(crm, "show", "424242")
    assert unknown.exit_code == 1 and "no such job" in unknown.output
