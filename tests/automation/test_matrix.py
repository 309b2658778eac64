"""Every trigger meets every action, and thirty days of events give the same result twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.copies import OpenCopy
from support.kernel import create, publish, ref, rows, table, write

from trellis.automation import hooks
from trellis.automation.action import actions
from trellis.automation.hands import start_by_hand
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.storage.tables.automation import run
from trellis.tenant import Tenant
from trellis_metadata.kinds.automation import KEYS_OF

from .sample import OBJECTS, formula, rule, step

TRIGGERS: dict[str, dict[str, Any]] = {
    "created": {},
    "updated": {},
    "deleted": {},
    "restored": {},
    "changed": {"field": "note", "to": ["go"]},
    "stage_entered": {"stages": ["won"]},
    "stage_left": {"stages": ["new"]},
    "date": {"field": "start_at"},
    "schedule": {"cron": "0 12 * * *"},
    "webhook": {"match": {"name": formula("$body")}},
    "button": {},
    "manual": {},
    "called": {},
}
ON_BOTH = ("created", "date", "manual")
STEPS: dict[str, dict[str, Any]] = {
    "set_fields": {"values": {"status": "set"}},
    "create": {"object": "task", "values": {"subject": formula("name")}},
    "update": {"related": "account", "values": {"status": "seen"}},
    "delete": {"related": "lines"},
    "upsert": {"object": "account", "match": {"domain": "new.com"}, "values": {"name": "New"}},
    "link": {"related": "account", "match": {"domain": "new.com"}},
    "tag": {"field": "tags", "add": ["x"]},
    "assign": {"to": [{"users": ["ann"]}]},
    "move_stage": {"to": "lost"},
    "create_task": {"subject": "Call {!name}", "due": "TODAY()"},
    "notify": {"to": [{"users": ["ann"]}], "text": "{!name}"},
    "lock": {
        "lock": "matrix",
        "reason": "Locked.",
        "open_fields": ["status", "tags", "owner", "stage", "account", "note"],
    },
    "unlock": {"lock": "matrix"},
    "branch": {"when": "ISBLANK(note)", "then": [step("inner", "set_fields", values={"count": 1})]},
    "for_each": {"related": "lines", "steps": [step("inner", "set_fields", values={"state": "x"})]},
    "call": {"automation": "sub"},
    "wait": {"for": "PT1H"},
}
ON_DELETED = ("create", "notify", "upsert", "unlock", "call", "wait", "branch", "for_each", "delete", "update")
"""What can still be done when the record lies in the bin; the other actions change it and are refused."""


def platform_actions() -> set[str]:
    """The actions of the platform; those of plug-ins are tested with them."""
    return {n for n, a in actions().items() if type(a).__module__.startswith("trellis.automation.actions.")}


def test_every_trigger_and_every_action_is_in_the_matrix() -> None:
    assert set(TRIGGERS) == set(KEYS_OF)
    assert platform_actions() - {"start_approval"} == set(STEPS)


def _rules(on: str) -> list[dict[str, Any]]:
    trigger = {"on": on, **TRIGGERS[on]}
    written = on in ("created", "updated", "deleted", "restored", "changed", "stage_entered", "stage_left")
    more = {"on_error": "isolate"} if written else {"as": "system"} if on in ("button", "manual") else {}
    found = []
    for number, (name, told) in enumerate(STEPS.items()):
        inner = {**told, "then": [step("inner", "create", object="task", values={"subject": "b"})]} if name == "branch" and on == "deleted" else told  # fmt: skip
        found.append(rule(f"m_{name}", step("s", name, **inner), on=trigger, order=number, **more))
    if on == "called":
        found.append(
            rule("caller", *(step(f"c{n}", "call", automation=f"m_{n}") for n in STEPS if n != "call"), on="created")
        )
        found.append(rule("outer", step("c", "call", automation="m_call"), on="created", order=500))
    return found


def _cause(tenant: Tenant, on: str, deal: int, clock: FakeClock) -> None:
    def update(**given: Any) -> None:
        write(tenant, lambda tx: tx.update("deal", [{"id": deal, **given}]))

    causes: dict[str, Callable[[], Any]] = {
        "updated": lambda: update(domain="d.com"),
        "deleted": lambda: write(tenant, lambda tx: tx.delete("deal", [deal])),
        "restored": lambda: (write(tenant, lambda tx: tx.delete("deal", [deal])), write(tenant, lambda tx: tx.restore("deal", [deal]))),
        "changed": lambda: update(note="go"),
        "stage_entered": lambda: update(stage="won"),
        "stage_left": lambda: update(stage="talk"),
        "date": lambda: update(start_at="2026-03-02T10:00:00Z"),
        "webhook": lambda: _send(tenant),
        "button": lambda: [write(tenant, lambda tx, n=n: start_by_hand(tx, f"m_{n}", "button", [deal])) for n in STEPS],
        "manual": lambda: [write(tenant, lambda tx, n=n: start_by_hand(tx, f"m_{n}", "manual", [deal])) for n in STEPS],
    }  # fmt: skip
    causes.get(on, lambda: None)()
    for _ in range(3):
        clock.advance(timedelta(hours=2))
        Worker(tenant).run_until_idle()


def _send(tenant: Tenant) -> None:
    for name in STEPS:
        token = write(tenant, lambda tx, n=name: hooks.new_token(tx, f"m_{n}"))
        hooks.receive(tenant, f"m_{name}", hooks.tenant_of(token)[1], "deal", None)


@pytest.mark.parametrize("on", TRIGGERS)
def test_every_trigger_starts_every_action(
    tenant: Tenant, clock: FakeClock, on: str, request: pytest.FixtureRequest
) -> None:
    if "postgresql" in request.node.name and on not in ON_BOTH:
        pytest.skip("played on one database: the other one meets every trigger and action in tests of their own")
    create(tenant, "user", {"name": "Ann", "login": "ann"})
    (account,) = create(tenant, "account", {"name": "a"})
    sub = rule("sub", step("t", "create", object="task", values={"subject": "called"}), on="called")
    documents = [sub, *_rules(on)]
    begin = {"name": "deal", "stage": "new", "account": ref(tenant, "account", account)}
    if on in ("created", "called"):
        publish(tenant, *documents)
        (deal,) = create(tenant, "deal", begin)
    else:
        (deal,) = create(tenant, "deal", begin)
        create(tenant, "line", {"deal": ref(tenant, "deal", deal), "name": "l"})
        publish(tenant, *documents)
    _cause(tenant, on, deal, clock)
    found = {r["automation"].removeprefix("m_"): r for r in table(tenant, run, trigger=on) if r["automation"] != "sub"}
    wanted = set(ON_DELETED) if on == "deleted" else set(STEPS)
    assert {n: r["message"] for n, r in found.items() if n in wanted and r["state"] != "done"} == {}
    assert wanted <= set(found)
    steps = {n: [e["action"] for e in r["trace"]] for n, r in found.items() if n in wanted}
    assert all(name in done for name, done in steps.items())


RULES = [
    rule("big", step("t", "create_task", subject="Look at {!name}", due="TODAY() + 2"), when="amount > 50", fires="becomes_true",
         on=["created", "updated"]),
    rule("near", step("s", "set_fields", values={"note": formula('note & "!"')}), on={"on": "date", "field": "close_date", "offset": "-P2D"}),
    rule("late", step("w", "wait", until_when='status = "done"', timeout="P3D"),
         step("s", "set_fields", values={"status": formula('IF($steps.w.timed_out, "late", "met")')}), on={"on": "changed", "field": "stage"}, run="later"),
    rule("daily", step("s", "set_fields", values={"count": formula("count + 1")}), on={"on": "schedule", "cron": "0 6 * * 1-5", "zone": "Asia/Shanghai"},
         when="amount > 80"),
    rule("won", step("u", "update", related="account", values={"touched": formula("touched + 1")}), on={"on": "stage_entered", "stages": ["won"]}),
]  # fmt: skip


def _thirty_days(tenant: Tenant, clock: FakeClock) -> Any:
    """Play a month of random events, the same for the same seed, and return what came of it."""
    chance = random.Random(30)
    publish(tenant, *RULES)
    (account,) = create(tenant, "account", {"name": "a", "touched": 0})
    deals: list[int] = []
    for _ in range(30):
        for _ in range(chance.randrange(1, 4)):
            day = (clock.now() + timedelta(days=chance.randrange(1, 12))).date().isoformat()
            values = {"name": f"d{len(deals)}", "amount": str(chance.randrange(100)), "close_date": day, "count": 0}
            deals += create(tenant, "deal", {**values, "stage": "new", "account": ref(tenant, "account", account)})
        for _ in range(chance.randrange(4)):
            change = chance.choice(
                [{"stage": chance.choice(["talk", "won"])}, {"status": "done"}, {"amount": str(chance.randrange(100))}]
            )
            write(tenant, lambda tx, d=chance.choice(deals), c=change: tx.update("deal", [{"id": d, **c}]))
        for _ in range(4):
            clock.advance(timedelta(hours=6))
            Worker(tenant).run_until_idle()
    fields = ["name", "note", "status", "count", "amount", "stage", "version"]
    traces = sorted(
        (r["automation"], r["record"] - deals[0], r["state"], str(r["started_at"])) for r in table(tenant, run)
    )
    told = [[r[f] for f in fields] for r in rows(tenant, "deal", fields=fields)]
    tasks = [[r["subject"], str(r["due_on"])] for r in rows(tenant, "task", fields=["subject", "due_on"])]
    return told, tasks, rows(tenant, "account", fields=["touched"])[0]["touched"], traces


RESULTS: list[Any] = []


@pytest.mark.parametrize("time", ["first", "second"])
def test_thirty_days_of_events_give_the_same_result_twice(
    open_copy: OpenCopy, request: pytest.FixtureRequest, time: str
) -> None:
    if "postgresql" in request.node.name:
        pytest.skip("the engine is the same; the month is played on one database")
    clock = FakeClock(datetime.fromisoformat("2026-03-02T09:00:00+00:00"))
    RESULTS.append(_thirty_days(open_copy("thirty_days", _objects, clock=clock), clock))
    assert RESULTS[0] == RESULTS[-1]
    traces = RESULTS[-1][3]
    assert {name for name, *_ in traces} == {r["name"] for r in RULES}
    assert "failed" not in {state for _, _, state, _ in traces}


def _objects(tenant: Tenant) -> None:
    publish(tenant, *OBJECTS)
