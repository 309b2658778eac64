"""The state of a form, over the API and as the runtime gives it."""

from __future__ import annotations

from typing import Any

import pytest
from support.app import World
from support.copies import OpenWorld
from support.kernel import field, obj

STAGES = [{"name": "open"}, {"name": "lost"}]
DEAL = obj(
    "deal",
    field("name", required=True),
    field("stage", "picklist", options=STAGES, default="open"),
    field("amount", "integer"),
    field("reason", required_when='stage = "lost"'),
    field("terms", read_only_when="amount > 100"),
    field("tier", visible_when="amount > 100", required=True),
    field("ratio", "number", read_only_when="1 / amount > 1"),
    field("city", default={"formula": "account.city"}),
    field("half", "integer", default={"formula": "amount / 2"}),
    field("account", "lookup", target="account", relationship="deals"),
    field("secret", visible_when='account.city = "Suzhou"'),
    sharing={"default": "edit"},
)
ACCOUNT = obj("account", field("name"), field("city"), sharing={"default": "private"})


@pytest.fixture
def app(open_world: OpenWorld) -> World:
    return open_world([ACCOUNT, DEAL])


def state(client: Any, **body: Any) -> dict[str, Any]:
    response = client.post("/records/deal/form-state", body)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


SHOWN = {"visible": True, "required": False, "read_only": False}


def test_form_of_a_new_record(app: World) -> None:
    found = state(app.ada, values={"amount": 10})
    assert found["fields"]["name"] == {**SHOWN, "required": True}
    assert found["fields"]["reason"] == SHOWN
    assert found["fields"]["tier"] == {"visible": False, "required": False, "read_only": False}
    assert found["defaults"] == {"stage": "open", "half": 5}
    found = state(app.ada, values={"amount": 1000, "stage": "lost", "half": None})
    assert found["fields"]["reason"]["required"] and found["fields"]["terms"]["read_only"]
    assert found["fields"]["tier"] == {**SHOWN, "required": True}
    assert "half" not in found["defaults"] and "stage" not in found["defaults"]


def test_form_of_a_stored_record_judges_the_record_and_what_is_filled_in(app: World) -> None:
    record = app.ada.create("deal", name="x", amount=500, tier="gold")["id"]
    found = state(app.ada, id=record)
    assert found["fields"]["terms"]["read_only"] and found["fields"]["tier"]["visible"] and found["defaults"] == {}
    found = state(app.ada, id=record, values={"amount": 5})
    assert found["fields"]["terms"]["read_only"] and not found["fields"]["tier"]["visible"]


def test_value_that_cannot_be_read_counts_as_left_out(app: World) -> None:
    assert state(app.ada, values={"amount": "many", "name": 5})["fields"]["name"]["required"]


def test_condition_that_cannot_be_evaluated_is_told(app: World) -> None:
    found = state(app.ada, values={"amount": 0})["fields"]["ratio"]
    assert found["read_only"] and "Division by zero" in found["error"]


def test_what_the_form_says_is_what_the_save_enforces(app: World) -> None:
    for values in ({"amount": 1000}, {"stage": "lost"}, {"amount": 1000, "tier": "gold", "stage": "lost"}):
        fields = state(app.ada, values=values)["fields"]
        wanted = {n for n, s in fields.items() if s["required"] and n not in values}
        refused = app.ada.post("/records/deal", {"name": "x", **values})
        missing = set() if refused.status_code == 201 else set(refused.get_json()["error"]["fields"])
        assert missing == wanted - {"name"}


def test_form_tells_nothing_of_a_record_that_the_person_may_not_read(app: World) -> None:
    account = app.ada.create("account", name="S", city="Suzhou")["id"]
    given = {"account": account}
    assert state(app.ada, values=given)["defaults"]["city"] == "Suzhou"
    assert state(app.ada, values=given)["fields"]["secret"]["visible"]
    found = state(app.bob, values=given)
    assert "city" not in found["defaults"] and not found["fields"]["secret"]["visible"]


def test_record_that_the_person_may_not_read_is_not_found(app: World) -> None:
    private = obj("note", field("name"), field("x", visible_when='name = "a"'), sharing={"default": "private"})
    app.ada.post("/metadata/apply", {"documents": [private]})
    record = app.ada.create("note", name="a")["id"]
    assert app.ada.post("/records/note/form-state", {"id": record}).status_code == 200
    assert app.bob.post("/records/note/form-state", {"id": record}).status_code == 404
    assert app.nobody.post("/records/note/form-state", {}).status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"value": {}}, "'value'"),
        ({"values": []}, "object"),
        ({"values": {"nmae": 1}}, "Did you mean 'name'"),
        ({"id": 5}, "text"),
    ],
)
def test_wrong_request_is_refused_with_a_sentence(app: World, body: dict[str, Any], words: str) -> None:
    response = app.ada.post("/records/deal/form-state", body)
    assert response.status_code == 400 and words in response.get_data(as_text=True)


def test_field_that_may_be_invisible_is_not_required_in_the_schema(app: World) -> None:
    described = app.ada.get("/objects/deal").get_json()
    assert described["create_schema"]["required"] == ["name"]
