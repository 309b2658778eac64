"""Saved views over HTTP: own and shared ones, checked when they are saved, changed by nobody else."""

from __future__ import annotations

from typing import Any

from support.app import World

VIEW = {
    "label": "Large",
    "columns": ["name", "staff", "parent.name"],
    "filter": {"field": "staff", "op": ">", "value": 10},
    "sort": ["-staff"],
}


def labels(client: Any) -> list[str]:
    return [v["label"] for v in client.get("/records/account/views").get_json()["views"]]


def test_own_views_are_seen_by_their_owner_and_shared_ones_by_all(world: World) -> None:
    made = world.bob.post("/records/account/views", VIEW)
    assert made.status_code == 201
    assert {k: made.get_json()[k] for k in VIEW} == VIEW and made.get_json()["shared"] is False
    world.bob.post("/records/account/views", {**VIEW, "label": "All", "shared": True})
    assert (labels(world.bob), labels(world.eve)) == (["All", "Large"], ["All"])
    assert world.bob.get("/records/contact/views").get_json() == {"views": []}


def test_nobody_changes_a_view_of_others(world: World) -> None:
    shared = world.bob.post("/records/account/views", {**VIEW, "shared": True}).get_json()["id"]
    own = world.bob.post("/records/account/views", {**VIEW, "label": "Own"}).get_json()["id"]
    path = "/records/account/views"
    assert world.eve.put(f"{path}/{shared}", VIEW).status_code == 404
    assert world.eve.delete(f"{path}/{shared}").status_code == 404
    assert world.ada.delete(f"{path}/{own}").status_code == 404
    assert world.token(world.bob.user, "read").delete(f"{path}/{own}").status_code == 403
    assert world.ada.delete(f"{path}/{shared}").status_code == 204
    assert world.bob.put(f"{path}/{own}", {**VIEW, "label": "Mine", "columns": ["name"]}).status_code == 200
    assert world.bob.get(path).get_json()["views"][0]["columns"] == ["name"]
    assert world.bob.delete(f"/records/contact/views/{own}").status_code == 404
    assert world.bob.delete(f"{path}/{own}").status_code == 204
    assert labels(world.bob) == []


def test_view_that_could_not_be_shown_is_refused_with_all_problems(world: World) -> None:
    def codes(**changes: Any) -> list[str]:
        answer = world.bob.post("/records/account/views", {**VIEW, **changes})
        assert answer.status_code == 422, answer.get_data(as_text=True)
        return [p["at"] for p in answer.get_json()["error"]["details"]["problems"]]

    assert codes(columns=["nope"], sort=["topics"], filter={"field": "x", "op": "=", "value": 1}) == [
        "fields.0",
        "sort.0",
        "filter.field",
    ]
    assert codes(label=" ", columns=[], sort="name", shared="yes", filtr={}) == [
        "filtr",
        "label",
        "columns",
        "sort",
        "shared",
    ]
    assert codes(columns=["name"] * 51) == ["columns"]
    assert world.bob.post("/records/nope/views", VIEW).status_code == 404
    assert labels(world.bob) == []
