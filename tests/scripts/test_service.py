"""The service under attack: requests go on, nothing piles up, and what cannot run refuses."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.kernel import ADMIN, create, field, obj, publish, rows, table, write

from trellis.storage.tables import scripts as tables
from trellis.tenant import Tenant
from trellis.transaction.errors import RecordsInvalid
from trellis_plugins.scripts import harness, session
from trellis_plugins.scripts.host import admission
from trellis_plugins.scripts.host import sandbox as sandboxes
from trellis_plugins.scripts.host.errors import SandboxBusy, SandboxUnavailable
from trellis_plugins.scripts.host.sandbox import Sandbox
from trellis_plugins.scripts.jail.limits import Limits

HOSTILE = (
    "while True: pass",
    "t = ()\nfor i in range(64): t = (t, t)\n{t: 1}",
    "a = []\nwhile True: a.append([None] * 90000)",
    "t = ()\nfor i in range(300000): t = (t,)\n{t: 1}",
)


def hook(source: str, name: str = "hook", **more: Any) -> dict[str, Any]:
    return {"kind": "script", "name": name, "object": "deal", "events": ["validation"], "source": source, **more}


@pytest.fixture
def acme(open_copy: Any, sandbox: Sandbox) -> Tenant:
    found: Tenant = open_copy("script_service", lambda tenant: publish(tenant, obj("deal", field("name"))) and None)
    return found


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def children(sandbox: Sandbox) -> list[str]:
    assert sandbox._zygote is not None
    pid = sandbox._zygote.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.slow
def test_hostile_runs_leave_no_process_no_descriptor_and_no_failed_neighbour(walls: Sandbox) -> None:
    harness.run("1", sandbox=walls)
    before = open_files()
    wrong: list[Any] = []
    stop = threading.Event()

    def neighbour() -> None:
        while not stop.is_set():
            if harness.run("1 + 1", 5.0, sandbox=walls)["result"] != 2:
                wrong.append("neighbour")

    def attacker(number: int) -> None:
        for i in range(10):
            answer = harness.run(HOSTILE[(i + number) % len(HOSTILE)], 0.3, sandbox=walls)
            if answer["status"] != "limit":
                wrong.append(answer)

    others = [threading.Thread(target=neighbour)]
    attackers = [threading.Thread(target=attacker, args=(n,)) for n in range(2)]
    for thread in (*others, *attackers):
        thread.start()
    for thread in attackers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert wrong == []
    deadline = time.monotonic() + 5
    while len(children(walls)) > walls._wanted_spares and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children(walls)) <= walls._wanted_spares
    assert open_files() <= before + walls._wanted_spares


def test_memory_bomb_costs_the_worker_and_not_the_host(walls: Sandbox) -> None:
    code = walls.compile("a = []\nwhile True: a.append([None] * 90000)")
    worker = walls.take()
    walls.load(worker, code)
    before = _rss_mb()
    limits = Limits(allocation=10**12).to_json()
    answer = worker.request({**harness.stub.request(code.names), "key": code.key, "limits": limits}, wall_s=5.0)
    ended = worker.close()
    assert (answer["outcome"], answer["limit"][0]) == ("limit", "memory")
    assert ended["peak_kb"] < 100 * 1024
    assert _rss_mb() - before < 10


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_killed_zygote_lets_no_save_slip_through(acme: Tenant, walls: Sandbox) -> None:
    publish(acme, hook("if record.name == 'bad': reject('no')\nfor i in range(10): crm.count('deal')"))
    create(acme, "deal", {"name": "good"})
    assert walls._zygote is not None
    os.kill(walls._zygote.pid, signal.SIGKILL)
    with pytest.raises((RecordsInvalid, SandboxUnavailable)):
        write(acme, lambda tx: tx.create("deal", [{"name": "bad"}]))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            create(acme, "deal", {"name": "again"})
            break
        except (RecordsInvalid, SandboxUnavailable):
            time.sleep(0.1)
    assert [r["name"] for r in rows(acme, "deal")] == ["good", "again"]


def test_worker_killed_in_the_middle_refuses_the_save(
    acme: Tenant, walls: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(acme, hook("crm.count('deal')"))
    from trellis_plugins.scripts.bridge import Bridge

    def kill(self: Bridge, name: Any, filters: Any) -> int:
        found = self.tx.notes["scripts"]
        for child in children(walls):
            os.kill(int(child), signal.SIGKILL)
        assert found is not None
        return 0

    monkeypatch.setattr(Bridge, "count", kill)
    with pytest.raises(RecordsInvalid):
        write(acme, lambda tx: tx.create("deal", [{"name": "x"}]))
    assert rows(acme, "deal") == []
    assert [r["outcome"] for r in table(acme, tables.run)] == ["crash"]


def test_without_a_sandbox_nothing_is_saved_and_objects_without_scripts_go_on(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(acme, hook("1"), obj("note", field("name")))
    closed = Sandbox(production=True, spares=0)
    object.__setattr__(closed, "offered", sandboxes.walls.Walls(0, True, True))
    monkeypatch.setattr(session, "shared", lambda: closed)
    with pytest.raises(SandboxUnavailable, match="Landlock"):
        write(acme, lambda tx: tx.create("deal", [{"name": "x"}]))
    assert rows(acme, "deal") == []
    assert [r["outcome"] for r in table(acme, tables.run)] == ["refused"]
    create(acme, "note", {"name": "x"})


def test_answer_of_another_form_refuses_the_save(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis_plugins.scripts.host.worker import Worker

    publish(acme, hook("1"))
    real = Worker.request
    base = {"outcome": "ok", "steps": 1, "cpu_ms": 0.1, "log": [], "refusals": []}
    bad = [
        {**base, "results": []},
        {**base, "results": [1]},
        {**base, "results": [{"changes": 5}]},
        {**base, "results": [{"refusals": [5]}]},
        {**base, "results": [{"error": 5}]},
        {**base, "results": 5},
        {**base, "log": 5, "results": [{}]},
        {**base, "steps": "x", "results": [{}]},
        {"outcome": "limit"},
        {**base, "results": [{"refusals": [["no", {"a": 1}]]}]},
    ]
    for answer in bad:
        monkeypatch.setattr(
            Worker, "request", lambda self, m, a=answer, **k: dict(a) if m["op"] == "run" else real(self, m, **k)
        )
        with pytest.raises(RecordsInvalid):
            write(acme, lambda tx: tx.create("deal", [{"name": "x"}]))
    assert rows(acme, "deal") == []


def test_too_many_waiting_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAITING", 0)
    door = admission.Admission()
    leave = [door.enter(), door.enter()]
    with pytest.raises(SandboxBusy):
        door.enter()
    leave[0]()
    door.enter()


def test_preview_runs_scripts_and_keeps_nothing(acme: Tenant) -> None:
    publish(acme, hook("record.name", "hook"))
    [outcome] = write(acme, lambda tx: tx.create("deal", [{"name": "x"}]), ADMIN, preview=True)
    assert outcome.action == "created"
    assert rows(acme, "deal") == []
    assert [r["outcome"] for r in table(acme, tables.run)] == ["undone"]
