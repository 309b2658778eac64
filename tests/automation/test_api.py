"""Automations over HTTP and at the command line: administrators, people, and those who must not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from support.app import World
from support.copies import OpenWorld

from trellis.cli import root
from trellis.jobs import Worker
from trellis.runtime import Runtime

from .sample import ACCOUNT, DEAL, LINE, TASK, formula, rule, step

PRIVATE = {**DEAL, "sharing": {"default": "private"}}
RULES = [
    rule(
        "r",
        step("t", "create", object="task", values={"subject": formula("name"), "deal": formula("id")}),
        when='amount > 5 && account.name <> "x"',
    ),
    rule("hand", step("s", "set_fields", values={"note": "by hand"}), on=[{"on": "button"}, {"on": "manual"}]),
    rule(
        "hook",
        step("s", "set_fields", values={"note": formula("$body")}),
        on={"on": "webhook", "match": {"name": formula("$body")}},
    ),
    rule("w", step("w", "wait", **{"for": "P9D"})),
]


@pytest.fixture
def people(open_world: OpenWorld) -> World:
    return open_world([ACCOUNT, PRIVATE, LINE, {**TASK, "sharing": {"default": "private"}}, *RULES])


def made(people: World, **given: Any) -> str:
    return str(people.bob.create("deal", **{"name": "a", **given})["id"])


def valid(people: World, answer: Any, path: str, method: str = "get", status: str = "200") -> Any:
    document = people.ada.get("/openapi.json").get_json()
    schema = document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": document["components"]})
    return answer


def test_a_record_tells_why_something_happened_or_did_not(people: World) -> None:
    fired, idle = made(people, amount="9"), made(people, amount="1")
    path = "/records/deal/{record}/automations"
    (wait, run) = valid(people, people.bob.get(f"/records/deal/{fired}/automations").get_json(), path)["entries"]
    assert (run["automation"], run["state"], wait["state"]) == ("r", "done", "waiting")
    assert (run["saw"], run["hidden"]) == ({"amount": "9.00"}, 1)
    assert [w["object"] for w in run["steps"][0]["wrote"]] == ["task"]
    entries = valid(people, people.bob.get(f"/records/deal/{idle}/automations").get_json(), path)["entries"]
    looked = next(e for e in entries if e["kind"] == "not_fired")
    assert [(r["automation"], r["reason"]) for r in looked["rules"]] == [("r", "condition")]
    whole = people.ada.get(f"/records/deal/{fired}/automations").get_json()["entries"][1]
    assert whole["saw"] == {"amount": "9.00", "account.name": None}


def test_who_may_not_read_the_record_or_what_was_written_learns_nothing(people: World) -> None:
    record = made(people, amount="9")
    assert people.eve.get(f"/records/deal/{record}/automations").status_code == 404
    assert people.nobody.get(f"/records/deal/{record}/automations").status_code == 401
    assert people.eve.post("/automations/hand/start", {"on": "button", "records": [record]}).status_code == 404
    for path in ("/automations", "/automation-runs", "/automation-runs/1"):
        assert people.bob.get(path).status_code == 403
    for path in ("/automation-runs/1/retry", "/automation-runs/1/cancel", "/automations/hook/token"):
        assert people.bob.post(path).status_code == 403
    assert people.bob.post("/automations/dry-run", {"automation": "r", "record": record}).status_code == 403


def test_administrators_list_filter_and_steer_runs(people: World) -> None:
    made(people, amount="9")
    found = valid(people, people.ada.get("/automations").get_json(), "/automations")["automations"]
    assert {a["name"]: a["runs"] for a in found}["r"] == {"done": 1}
    runs = valid(people, people.ada.get("/automation-runs?state=waiting").get_json(), "/automation-runs")["runs"]
    assert [r["automation"] for r in runs] == ["w"]
    number = runs[0]["id"]
    valid(people, people.ada.get(f"/automation-runs/{number}").get_json(), "/automation-runs/{run}")
    assert people.ada.post(f"/automation-runs/{number}/cancel").get_json() == {"id": number, "state": "cancelled"}
    assert people.ada.post(f"/automation-runs/{number}/cancel").status_code == 409
    assert people.ada.post(f"/automation-runs/{number}/retry").status_code == 409
    assert people.ada.get("/automation-runs/77").status_code == 404
    assert people.ada.get("/automation-runs?state=bad").status_code == 400
    assert people.ada.get("/automation-runs?limit=0").status_code == 400
    assert len(people.ada.get(f"/automation-runs?before={number}&limit=1&automation=r").get_json()["runs"]) <= 1


def test_a_dry_run_over_http_keeps_nothing(people: World) -> None:
    record = made(people, amount="9")
    tasks = people.rows("t_automation_run")
    answer = people.ada.post("/automations/dry-run", {"automation": "r", "record": record}).get_json()
    (found,) = valid(people, answer, "/automations/dry-run", "post")["results"]
    assert (found["fires"], [c["action"] for c in found["changes"]]) == (True, ["created"])
    document = rule("new", step("s", "set_fields", values={"note": "x"}))
    events = people.ada.post("/automations/dry-run", {"document": document, "events": 5}).get_json()["results"]
    assert [e["event"] for e in events] == ["created"]
    broken = rule("new", step("s", "set_fields", values={"nope": "x"}))
    assert people.ada.post("/automations/dry-run", {"document": broken, "events": 5}).status_code == 422
    for body in ({}, {"automation": "r", "document": {}}, {"automation": 1}, {"automation": "r", "events": "x"}):
        assert people.ada.post("/automations/dry-run", body).status_code == 400
    assert people.rows("t_automation_run") == tasks


def test_people_start_automations_by_hand(people: World) -> None:
    record = made(people)
    answer = people.bob.post("/automations/hand/start", {"on": "button", "records": [record]}).get_json()
    assert [r["state"] for r in valid(people, answer, "/automations/{automation}/start", "post")["runs"]] == ["done"]
    assert people.bob.get(f"/records/deal/{record}").get_json()["note"] == "by hand"
    assert people.bob.post("/automations/r/start", {"on": "button", "records": [record]}).status_code == 422
    assert people.bob.post("/automations/hand/start", {"on": "x", "records": [record]}).status_code == 400


def test_a_message_from_outside_needs_nothing_but_its_address(people: World) -> None:
    record = made(people, name="hello")
    made_url = people.ada.post("/automations/hook/token")
    assert made_url.status_code == 201
    url = made_url.get_json()["url"].removeprefix("/api/v1")
    sent = people.nobody.http.post(f"/api/v1{url}", data=b"hello", headers={"Idempotency-Key": "1"})
    assert (sent.status_code, sent.get_json()) == (202, {"accepted": True})
    again = people.nobody.http.post(f"/api/v1{url}", data=b"hello", headers={"Idempotency-Key": "1"})
    assert again.get_json() == {"accepted": False, "reason": "once"}
    Worker(people.tenant).run_until_idle()
    assert people.bob.get(f"/records/deal/{record}").get_json()["note"] == "hello"
    for wrong in (f"{url}x", url.replace("demo.", "other."), "/hooks/none/hook"):
        assert people.nobody.http.post(f"/api/v1{wrong}", data=b"hello").status_code == 404
    assert people.nobody.http.post(f"/api/v1{url}", data=b"\xff").status_code == 400
    assert people.nobody.http.post(f"/api/v1{url}", data=b"nobody").status_code == 422
    assert people.nobody.http.post(f"/api/v1{url}", data=b"x" * 1_000_001).status_code == 413


def test_the_command_line_lists_tries_and_steers(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    tenant = runtime.create_tenant("acme")
    tenant.publisher.apply(tenant.publisher.plan_documents([ACCOUNT, DEAL, LINE, TASK, *RULES]))
    from support.kernel import create, ref

    (deal,) = create(tenant, "deal", {"name": "a", "amount": "9"})
    record = ref(tenant, "deal", deal)
    runtime.close()

    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(root, ["--home", str(tmp_path), "automation", *args])
        return result.exit_code, result.output

    assert "r  on  deal  created  1 done" in run("list")[1]
    assert "fires; t (create): done; 1 change(s)" in run("dry-run", "r", "--record", record)[1]
    assert "created" in run("dry-run", "r", "--events", "3")[1]
    waiting = run("runs", "--state", "waiting")[1].split()[0]
    assert run("retry", waiting)[0] != 0
    assert run("cancel", waiting)[0] == 0
    assert run("runs", "--state", "waiting")[1].strip() == "There are none."
    assert "/api/v1/hooks/acme." in run("token", "hook")[1]
    assert run("dry-run", "nope", "--events", "1")[0] != 0
