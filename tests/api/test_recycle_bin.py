"""The recycle bin over HTTP."""

from __future__ import annotations

from support.app import World


def test_bin_lists_restores_and_purges(world: World) -> None:
    record = world.bob.create("account", name="Acme")["id"]
    assert world.bob.delete(f"/records/account/{record}").status_code == 204
    found = world.bob.get("/recycle_bin?objects=account,contact&search=acm").get_json()
    assert [(r["object"], r["id"], r["name"]) for r in found["records"]] == [("account", record, "Acme")]
    assert found["records"][0]["deleted_by"].startswith("user_") and found["cursor"] is None
    assert world.eve.get("/recycle_bin").get_json()["records"] == []
    assert world.bob.post(f"/records/account/{record}/purge").status_code == 403
    assert world.ada.post(f"/records/account/{record}/purge").status_code == 204
    assert world.ada.post(f"/records/account/{record}/purge").status_code == 404
    assert world.bob.post(f"/records/account/{record}/restore").status_code == 404


def test_wrong_requests_are_refused(world: World) -> None:
    assert world.bob.get("/recycle_bin?objects=nope").status_code == 404
    assert world.bob.get("/recycle_bin?cursor=x").status_code == 400
    assert world.bob.get("/recycle_bin?object=account").status_code == 400
    assert world.nobody.get("/recycle_bin").status_code == 401
