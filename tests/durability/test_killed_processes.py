"""kill -9 of the server, the worker and a publisher: what was acknowledged is there, once, and the model is the old or the new.

``TRELLIS_ROUNDS`` sets how often (5 by default; ``make soak`` takes 50).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import changes, create, field, obj, publish, table, values
from support.processes import Server, kill, killed_after, start

from trellis.access.accounts import create_token, create_user
from trellis.runtime import Runtime
from trellis.storage import system
from trellis.tenant import Tenant

ROUNDS = int(os.environ.get("TRELLIS_ROUNDS", "5"))
WRITERS = 4
NAME = field("name", required=True)
DEAL = obj("deal", NAME, field("size", "integer"), sharing={"default": "edit"})
pytestmark = pytest.mark.slow


def begin(runtime: Runtime) -> tuple[Tenant, str]:
    """Make the tenant with one object and an administrator; return it and a token."""
    tenant = runtime.create_tenant("acme")
    publish(tenant, DEAL)
    return tenant, create_token(tenant, create_user(tenant, login="ada", name="Ada", admin=True), "test")


def written_once(tenant: Tenant) -> list[str]:
    """Check that no record is there by half, nor one without its trail; return the names."""
    model = tenant.model().object("deal")
    with tenant.database.reading() as connection:
        stored = connection.execute(sa.select(model.table.c.id, model.fields["name"].column)).all()
    numbers = sorted(number for number, _ in stored)
    for trail in (changes(tenant, object="deal"), table(tenant, system.fact, object="deal")):
        assert sorted(c["record"] for c in trail) == numbers
    assert sorted(s["record"] for s in table(tenant, system.search, object="deal")) == numbers
    return [name for _, name in stored]


# -- the server ------------------------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Creates pairs of records, each request under an Idempotency-Key of its own, until the server is gone."""

    def __init__(self, server: Server, label: str, left_over: list[str]) -> None:
        super().__init__()
        self.server, self.label = server, label
        self.acknowledged: dict[str, list[str]] = {}
        self.unanswered = left_over

    def run(self) -> None:
        waiting, number = list(self.unanswered), 0
        self.unanswered = []
        while True:
            key = waiting.pop() if waiting else f"{self.label}-{number}"
            number += 1
            try:
                status, body = self.server.call("POST", "/composite", _pair(key), Idempotency_Key=key)
            except (OSError, http.client.HTTPException, ValueError):
                self.unanswered = [key, *waiting]
                return
            assert status == 200, body
            self.acknowledged[key] = _ids(body)


def _pair(key: str) -> dict[str, Any]:
    return {
        "operations": [
            {"op": "create", "object": "deal", "body": {"name": f"{key}/{half}", "size": half}} for half in (1, 2)
        ]
    }


def _ids(body: Any) -> list[str]:
    return [(r.get("record") or r)["id"] for r in body["results"]]


def test_killed_server_keeps_every_acknowledged_write_once(runtime: Runtime, database_url: str) -> None:
    tenant, token = begin(runtime)
    before = tenant.model().snapshot.hash
    acknowledged: dict[str, list[str]] = {}
    left_over: list[str] = []
    for number in range(ROUNDS):
        with Server(runtime.home, database_url, token) as server:
            share = [left_over[i::WRITERS] for i in range(WRITERS)]
            writers = [Writer(server, f"r{number}w{i}", share[i]) for i in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(0.1 + 0.07 * (number % 9))
            assert server.process is not None
            kill(server.process)
            for writer in writers:
                writer.join(60)
            for writer in writers:
                acknowledged |= writer.acknowledged
            left_over = [key for writer in writers for key in writer.unanswered]
    with Server(runtime.home, database_url, token) as server:
        for key in [*left_over, *acknowledged]:
            status, body = server.call("POST", "/composite", _pair(key), Idempotency_Key=key)
            assert status == 200
            ids = _ids(body)
            assert acknowledged.setdefault(key, ids) == ids, "one key made two pairs"
        assert server.call("GET", "/metadata")[1]["hash"] == before
    assert len(acknowledged) > ROUNDS
    assert sorted(written_once(tenant)) == sorted(f"{key}/{half}" for key in acknowledged for half in (1, 2))


# -- the worker ------------------------------------------------------------------------------------------------------------


def test_killed_worker_goes_on_with_its_job_and_writes_no_row_twice(runtime: Runtime, database_url: str) -> None:
    tenant, token = begin(runtime)
    wanted = [f"n{i:05}" for i in range(1500 + 500 * ROUNDS)]
    from trellis.app import create_app

    client = create_app(runtime, default_tenant="acme").test_client()
    sent = client.post(
        "/api/v1/records/deal/bulk?async=true",
        data="\n".join(json.dumps({"name": n}) for n in wanted),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
    )
    assert sent.status_code == 202, sent.text
    options = ["--home", str(runtime.home)]
    if not database_url.startswith("sqlite"):
        options += ["--database-url", database_url]
    interrupted = 0
    for number in range(ROUNDS):
        worker = start("-m", "trellis", *options, "worker")
        seen = _done(tenant)
        deadline = time.monotonic() + 60
        while _done(tenant) == seen and not _finished(tenant) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.02 * (number % 5))
        kill(worker)
        interrupted += not _finished(tenant)
        _let_leases_run_out(tenant)
    last = start("-m", "trellis", *options, "worker", "--once")
    assert last.stdout is not None
    last.stdout.read()
    assert last.wait() == 0
    assert interrupted >= 1
    assert _finished(tenant)
    assert sorted(written_once(tenant)) == wanted
    results = client.get(f"{sent.headers['Location']}/results", headers={"Authorization": f"Bearer {token}"})
    assert len(results.text.splitlines()) == len(wanted)


def _job(tenant: Tenant) -> Any:
    c = system.outbox.c
    with tenant.database.reading() as connection:
        return connection.execute(sa.select(c.state, c.done).where(c.topic == "bulk")).one()


def _done(tenant: Tenant) -> int:
    return int(_job(tenant).done)


def _finished(tenant: Tenant) -> bool:
    return str(_job(tenant).state) == "done"


def _let_leases_run_out(tenant: Tenant) -> None:
    """Stand in for the minutes after which another worker may take over what a dead one claimed."""
    c = system.outbox.c
    with tenant.database.writing() as connection:
        connection.execute(system.outbox.update().where(c.state == "running").values(leased_until=tenant.clock.now()))


# -- a publisher -------------------------------------------------------------------------------------------------------------

PUBLISHER = """
import json, sys
from trellis.publishing import filling, online, publication
from trellis.runtime import Runtime
publication.INLINE_ROWS, filling.BATCH_ROWS, online.LARGE_ROWS = 1, 20, 1
tenant = Runtime(sys.argv[1], database_url=sys.argv[2]).tenant("acme")
print("ready", flush=True)
plan = tenant.publisher.plan_documents(json.loads(sys.argv[3]))
print(tenant.publisher.apply(plan, confirm=plan.hash), flush=True)
"""
OLD = obj("deal", NAME, field("size", "integer"), sharing={"default": "edit"})
NEW = obj(
    "deal",
    field("name", required=True, unique=True),
    field("size"),
    field("fresh", indexed=True),
    sharing={"default": "edit"},
)


def test_killed_publisher_leaves_the_old_or_the_new_model_and_the_next_start_finishes(
    runtime: Runtime, database_url: str
) -> None:
    tenant, _ = begin(runtime)
    create(tenant, "deal", *({"name": f"d{i:03}", "size": i} for i in range(200)))
    chance = random.Random(7)
    hashes = {tenant.model().snapshot.hash}
    for number in range(ROUNDS):
        wanted = (NEW, OLD)[number % 2]
        child = start("-c", PUBLISHER, str(runtime.home), database_url, json.dumps([wanted]))
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with killed_after(child, chance.uniform(0.0, 0.5)):
            pass
        visible = tenant.model().snapshot
        _serves(tenant)
        again = Runtime(runtime.home, database_url=database_url)
        opened = again.tenant("acme")
        assert opened.publisher.running() is None
        if opened.model().snapshot.get("object", "deal")["fields"] != wanted["fields"]:  # type: ignore[index]
            assert opened.model().snapshot.hash == visible.hash, "neither the old nor the new"
            publish(opened, wanted)
        finished = opened.model().snapshot.hash
        again.close()
        later = Runtime(runtime.home, database_url=database_url)
        assert later.tenant("acme").model().snapshot.hash == finished
        _serves(later.tenant("acme"))
        later.close()
        hashes.add(finished)
    assert len(hashes) == 2
    assert len(written_once(tenant)) == 200


def _serves(tenant: Tenant) -> None:
    """Check that every record reads as the visible model says."""
    kind = tenant.model().object("deal").fields["size"].doc["type"]
    assert values(tenant, "deal", "size") == [str(i) if kind == "text" else i for i in range(200)]


def test_processes_are_found(tmp_path: Path) -> None:
    """A piece of Python that is killed says what it had said before."""
    child = start("-c", "print('one', flush=True); import time; time.sleep(60)")
    assert child.stdout is not None
    assert child.stdout.readline() == "one\n"
    assert kill(child) == ""
    assert child.returncode == -9
