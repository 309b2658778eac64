"""The way of a record over HTTP, and as people who may not see or change it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from support.app import Client, World
from support.copies import OpenWorld

from .sample import KA, SMB, deal


@pytest.fixture(params=["private", "read"])
def sharing(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def people(open_world: OpenWorld, sharing: str) -> World:
    return open_world([deal(sharing={"default": sharing}), SMB, KA])


def make(client: Client, **values: Any) -> str:
    answer = client.post("/records/deal", {"name": "a", **values})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def test_the_way_of_a_record_is_told_as_the_document_of_the_interface_says(people: World) -> None:
    record = make(people.bob)
    assert people.bob.patch(f"/records/deal/{record}", {"stage": "talk"}).status_code == 200
    answer = people.bob.get(f"/records/deal/{record}/path").get_json()
    (way,) = answer["paths"]
    assert (way["stage"], way["pipeline"]["name"]) == ("talk", "smb")
    document = people.ada.get("/openapi.json").get_json()
    operation = document["paths"]["/records/deal/{record}/path"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": document["components"]})
    stays = people.bob.get(f"/records/deal/{record}/path/stage/history").get_json()["stays"]
    assert [s["stage"] for s in stays] == ["new", "talk"]


def test_a_refused_move_names_the_fields_that_the_stage_asks_for(people: World) -> None:
    record = make(people.bob)
    answer = people.bob.patch(f"/records/deal/{record}", {"stage": "won"})
    assert answer.status_code == 422
    assert set(answer.get_json()["error"]["fields"]) == {"amount", "close_date", "stage"}


def test_a_tick_is_written_once(people: World) -> None:
    record = make(people.bob)
    people.bob.patch(f"/records/deal/{record}", {"stage": "talk"})
    url = f"/records/deal/{record}/path/stage/activities/call"
    assert people.bob.put(url, {"done": True}).get_json() == {"done": True, "changed": True}
    assert people.bob.put(url, {"done": True}).get_json() == {"done": True, "changed": False}
    assert people.bob.put(url, {"done": "yes"}).status_code == 400
    assert people.bob.put(url.replace("call", "cull"), {"done": True}).status_code == 404
    assert people.bob.put(url.replace("/stage/", "/name/"), {"done": True}).status_code == 404


def test_who_may_not_see_a_record_learns_nothing_of_its_way(people: World, sharing: str) -> None:
    record = make(people.bob)
    seen = 404 if sharing == "private" else 200
    assert people.eve.get(f"/records/deal/{record}/path").status_code == seen
    assert people.eve.get(f"/records/deal/{record}/path/stage/history").status_code == seen
    assert people.nobody.get(f"/records/deal/{record}/path").status_code == 401


def test_who_may_not_change_a_record_neither_ticks_nor_moves_it(people: World, sharing: str) -> None:
    record = make(people.bob)
    people.bob.patch(f"/records/deal/{record}", {"stage": "talk"})
    refused = 404 if sharing == "private" else 403
    url = f"/records/deal/{record}/path/stage/activities/call"
    assert people.eve.put(url, {"done": True}).status_code == refused
    assert people.eve.patch(f"/records/deal/{record}", {"stage": "new"}).status_code == refused
    (way,) = people.bob.get(f"/records/deal/{record}/path").get_json()["paths"]
    assert way["stage"] == "talk"
    assert not any(a["done"] for s in way["stages"] for a in s["activities"])
