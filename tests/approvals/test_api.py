"""Requests over HTTP: what is answered is what the document of the interface says, and who must not know learns nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from support.app import Client, World
from support.kernel import field, obj

from trellis.access import memberships
from trellis.cli import root

DOCUMENTS: list[dict[str, Any]] = [
    obj(
        "deal",
        field("name"),
        field("amount", "number", label={"en": "Amount", "zh": "金额"}),
        sharing={"default": "private"},
    ),
    {"kind": "group", "name": "board"},
    {
        "kind": "approval",
        "name": "price",
        "label": {"en": "Price", "zh": "价格"},
        "description": {"en": "Below list price.", "zh": "低于标价。"},
        "object": "deal",
        "fields": ["amount"],
        "separation": {"override": "administrators"},
        "steps": [
            {
                "name": "board",
                "label": {"en": "Board", "zh": "董事会"},
                "approvers": [{"group": "board"}],
                "guidance": "Look twice.",
            }
        ],
    },
    {
        "kind": "approval",
        "name": "secret",
        "object": "deal",
        "approvers_see": "fields",
        "fields": ["amount"],
        "steps": [{"name": "board", "approvers": [{"group": "board"}]}],
    },
]


@pytest.fixture
def people(open_world: Callable[..., World]) -> World:
    world = open_world(DOCUMENTS)
    memberships.add(world.tenant, world.eve.user, "group", "board")
    return world


def submit(client: Client, approval: str = "price", **values: Any) -> tuple[str, str]:
    record = str(client.create("deal", name="Big one", **values)["id"])
    answer = client.post(
        "/approvals", {"object": "deal", "records": [record], "approval": approval, "comment": "please"}
    )
    assert answer.status_code == 201, answer.text
    return record, answer.get_json()["requests"][0]


def conforms(world: World, answer: Any, method: str, path: str) -> Any:
    document = world.ada.get("/openapi.json").get_json()
    operation = document["paths"][path][method]
    schema = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    body = answer.get_json()
    jsonschema.validate(body, {**schema, "components": document["components"]})
    return body


def test_a_request_goes_its_way(people: World) -> None:
    bob, eve = people.bob, people.eve
    record, number = submit(bob, amount=5)
    (waiting,) = conforms(people, eve.get("/approvals"), "get", "/approvals")["requests"]
    assert (waiting["id"], waiting["label"], waiting["record_label"]) == (number, "Price", "Big one")
    assert eve.get("/approvals?object=nope").get_json()["requests"] == []
    (mine,) = bob.get("/approvals?view=mine").get_json()["requests"]
    assert mine["waits_for"][0]["people"] == [{"id": waiting["waits_for"][0]["people"][0]["id"], "name": "Eve"}]
    full = conforms(people, eve.get(f"/approvals/{number}"), "get", "/approvals/{number}")
    assert full["fields"] == [{"name": "amount", "label": "Amount", "value": "5.00"}]
    assert full["steps"][0]["guidance"] == "Look twice."
    assert full["may"] == ["approve", "reject", "reassign", "send_back", "ask"]
    assert eve.get(f"/records/deal/{record}").status_code == 200
    answer = eve.post(f"/approvals/{number}/vote", {"verdict": "approve", "comment": "fine"})
    assert conforms(people, answer, "post", "/approvals/{number}/vote") == {"request": number, "state": "approved"}
    assert eve.get(f"/records/deal/{record}").status_code == 404
    of_record = conforms(
        people, bob.get(f"/records/deal/{record}/approvals"), "get", "/records/deal/{record}/approvals"
    )
    assert [e["kind"] for e in of_record["requests"][0]["history"]] == ["submitted", "asked", "voted_yes", "approved"]
    assert of_record["requests"][0]["history"][2]["comment"] == "fine"
    assert of_record["can_submit"] == [
        {"name": "price", "label": "Price", "description": "Below list price."},
        {"name": "secret", "label": "Secret", "description": ""},
    ]
    (decided,) = eve.get("/approvals?view=decided").get_json()["requests"]
    assert decided["state"] == "approved"


def test_who_is_not_concerned_learns_nothing(people: World) -> None:
    memberships.add(people.tenant, people.ada.user, "group", "board")
    _, number = submit(people.ada)
    bob = people.bob
    assert bob.get(f"/approvals/{number}").status_code == 404
    for action in ("take", "send_back", "resubmit", "ask", "answer", "remind", "recall"):
        assert bob.post(f"/approvals/{number}/{action}", {"comment": "x"}).status_code == 404, action
    assert bob.post(f"/approvals/{number}/vote", {"verdict": "approve"}).status_code == 404
    assert bob.post(f"/approvals/{number}/reassign", {"to": "user_x"}).status_code in (404, 422)
    assert bob.post(f"/approvals/{number}/override", {"verdict": "approve", "comment": "x"}).status_code == 404
    for view in ("waiting", "mine", "decided"):
        assert bob.get(f"/approvals?view={view}").get_json() == {"requests": []}
    assert bob.get("/approvals?view=all").status_code == 400
    assert people.nobody.get("/approvals").status_code == 401


def test_named_fields_are_all_that_is_seen(people: World) -> None:
    record, number = submit(people.bob, "secret", amount=7)
    eve = people.eve
    assert eve.get(f"/records/deal/{record}").status_code == 404
    full = eve.get(f"/approvals/{number}").get_json()
    assert (full["record"], full["record_label"]) == (None, None)
    assert full["fields"] == [{"name": "amount", "label": "Amount", "value": "7.00"}]
    assert "Big one" not in eve.get(f"/approvals/{number}").text
    assert eve.get(f"/records/deal/{record}/approvals").status_code == 404
    eve.post(f"/approvals/{number}/vote", {"verdict": "reject"})
    assert eve.get(f"/approvals/{number}").get_json()["fields"] == []


def test_the_arm_is_explained(people: World) -> None:
    record, number = submit(people.bob)
    user = people.ada.get("/records/user?fields=id,login").get_json()["records"]
    eve = next(r["id"] for r in user if r["login"] == "eve")
    found = people.ada.get(f"/access/explain?object=deal&record={record}&user={eve}").get_json()
    (path,) = found["paths"]
    assert (path["kind"], path["level"], path["detail"]["request"]) == ("approver", "read", int(number))
    edit = people.ada.get(f"/access/explain?object=deal&record={record}&user={eve}&action=edit").get_json()
    assert edit["allowed"] is False
    assert people.eve.patch(f"/records/deal/{record}", {"name": "x"}).status_code == 403


def test_several_are_decided_at_once_and_each_for_itself(people: World) -> None:
    numbers = [submit(people.bob)[1] for _ in range(2)]
    answer = people.eve.post("/approvals/votes", {"requests": [*numbers, "999999"], "verdict": "approve"})
    body = conforms(people, answer, "post", "/approvals/votes")
    assert [r["state"] for r in body["results"]] == ["approved", "approved", None]
    assert body["results"][2]["error"]["code"] == "unknown_approval_request"
    assert people.eve.post("/approvals/votes", {"requests": ["x"], "verdict": "approve"}).status_code == 400


def test_refusals_say_why(people: World) -> None:
    record = people.bob.create("deal", name="a")["id"]
    body = {"object": "deal", "records": [record], "approval": "price"}
    assert people.bob.post("/approvals", {**body, "approval": "nope"}).status_code == 404
    assert people.eve.post("/approvals", body).status_code == 404
    assert people.bob.post("/approvals", {**body, "object": "nope"}).status_code == 404
    assert people.bob.post("/approvals", body).status_code == 201
    answer = people.bob.post("/approvals", body)
    assert answer.status_code == 422
    assert "already_submitted" in answer.text
    assert people.token(people.bob.user, "read").post("/approvals", body).status_code == 403


def test_a_vote_with_a_key_counts_once(people: World) -> None:
    _, number = submit(people.bob)
    headers = {"Idempotency-Key": "vote-1"}
    first = people.eve.post(f"/approvals/{number}/vote", {"verdict": "approve"}, headers=headers)
    again = people.eve.post(f"/approvals/{number}/vote", {"verdict": "approve"}, headers=headers)
    assert (first.status_code, again.status_code, again.get_json()) == (200, 200, first.get_json())


def test_an_approval_is_tried_without_a_trace(people: World) -> None:
    record = people.bob.create("deal", name="a")["id"]
    answer = people.ada.post("/approvals/try", {"approval": "price", "record": record})
    body = conforms(people, answer, "post", "/approvals/try")
    assert body["needed"] is True
    assert body["steps"][0]["people"][0]["person"]["name"] == "Eve"
    assert body["steps"][0]["people"][0]["why"] == "is in the group 'board'"
    assert people.rows("t_approval_request") == 0
    assert people.bob.post("/approvals/try", {"approval": "price", "record": record}).status_code == 403


def test_the_rest_of_the_actions(people: World) -> None:
    bob, eve, ada = people.bob, people.eve, people.ada
    _, number = submit(bob)
    assert eve.post(f"/approvals/{number}/ask", {"comment": "why"}).status_code == 200
    assert bob.post(f"/approvals/{number}/answer", {"comment": "because"}).status_code == 200
    assert bob.post(f"/approvals/{number}/remind").status_code == 200
    assert eve.post(f"/approvals/{number}/send_back").status_code == 422
    assert eve.post(f"/approvals/{number}/send_back", {"comment": "no"}).get_json()["state"] == "sent_back"
    assert bob.post(f"/approvals/{number}/resubmit").get_json()["state"] == "pending"
    ada_id = next(
        r["id"] for r in ada.get("/records/user?fields=id,login").get_json()["records"] if r["login"] == "ada"
    )
    assert eve.post(f"/approvals/{number}/reassign", {"to": ada_id, "comment": "yours"}).status_code == 200
    answer = ada.post(f"/approvals/{number}/override", {"verdict": "reject", "comment": "no"})
    assert answer.get_json()["state"] == "rejected"
    assert bob.post(f"/approvals/{number}/recall").status_code == 409


def test_the_command_line_lists_shows_and_recalls(people: World) -> None:
    _, number = submit(people.bob)

    def cli(*words: str) -> Any:
        options = ["--home", str(people.runtime.home), "--tenant", "demo"]
        if people.runtime.database_url:
            options += ["--database-url", people.runtime.database_url]
        return CliRunner().invoke(root, [*options, "approval", *words])

    told = cli("list")
    assert told.exit_code == 0 and number in told.output and "Eve" in told.output
    assert [r["id"] for r in json.loads(cli("list", "--json").output)["requests"]] == [number]
    assert "submitted" in cli("show", number).output
    assert cli("recall", number, "--comment", "wrong deal").exit_code == 0
    assert people.bob.get(f"/approvals/{number}").get_json()["state"] == "recalled"
    assert json.loads(cli("list", "--json").output)["requests"] == []
    assert cli("recall", number).exit_code != 0
    assert cli("show", "999999").exit_code != 0
    assert "pending" in cli("list", "--state", "open").output
