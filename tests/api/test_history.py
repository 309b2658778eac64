"""History over HTTP: pages, one field, taking a change back, and strangers."""

from __future__ import annotations

from support.app import World


def test_history_is_paged_and_a_change_is_taken_back(world: World) -> None:
    record = world.bob.create("account", name="A", staff=1)["id"]
    for staff in (2, 3):
        world.bob.patch(f"/records/account/{record}", {"staff": staff})
    first = world.bob.get(f"/records/account/{record}/history?limit=2").get_json()
    assert [c["changes"] for c in first["changes"]] == [
        {"staff": {"from": 2, "to": 3}},
        {"staff": {"from": 1, "to": 2}},
    ]
    rest = world.bob.get(f"/records/account/{record}/history?limit=2&cursor={first['cursor']}").get_json()
    assert ([c["action"] for c in rest["changes"]], rest["cursor"]) == (["created"], None)
    assert first["changes"][0]["restorable"] == ["staff"] and rest["changes"][0]["restorable"] == []
    path = f"/records/account/{record}/history/{first['changes'][0]['id']}/restore"
    taken = world.bob.post(path, {"fields": ["staff"]})
    assert (taken.status_code, taken.get_json()["staff"], taken.headers["ETag"]) == (200, 2, '"4"')


def test_what_cannot_be_taken_back_is_refused_in_words(world: World) -> None:
    record = world.bob.create("account", name="A")["id"]
    created = world.bob.get(f"/records/account/{record}/history").get_json()["changes"][0]["id"]
    path = f"/records/account/{record}/history"
    cases = [
        (f"{path}/{created}/restore", {}, 409),
        (f"{path}/999999/restore", {}, 404),
        (f"{path}/x/restore", {}, 404),
        (f"{path}/{created}/restore", {"field": "name"}, 400),
        (f"{path}/{created}/restore", {"fields": "name"}, 400),
    ]
    for address, body, status in cases:
        assert world.bob.post(address, body).status_code == status, address
    assert world.bob.get(f"{path}?cursor=x").status_code == 400
    assert world.bob.get(f"{path}?field=nope").status_code == 400


def test_strangers_get_neither_history_nor_restoration(world: World) -> None:
    record = world.bob.create("account", name="A")["id"]
    world.bob.patch(f"/records/account/{record}", {"name": "B"})
    change = world.bob.get(f"/records/account/{record}/history").get_json()["changes"][0]["id"]
    assert world.eve.get(f"/records/account/{record}/history").status_code == 404
    assert world.eve.post(f"/records/account/{record}/history/{change}/restore", {}).status_code == 404
    assert (
        world.token(world.bob.user, "read").post(f"/records/account/{record}/history/{change}/restore", {}).status_code
        == 403
    )
    assert world.bob.get(f"/records/account/{record}").get_json()["name"] == "B"
