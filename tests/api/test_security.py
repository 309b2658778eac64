"""What a stranger tries: to take over, bring back or learn of what belongs to somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.app import World

from trellis.access import accounts, memberships
from trellis.exchange.importing import Importer
from trellis.exchange.source import open_source


def _hanging(name: str, sharing: str, parent: str) -> dict[str, Any]:
    """Return an object whose records are deleted with those of ``parent``."""
    return {
        "kind": "object",
        "name": name,
        "label": name,
        "sharing": {"default": sharing},
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": parent, "type": "lookup", "target": parent, "on_delete": "cascade"},
        ],
    }


def test_child_does_not_bring_back_a_parent_that_belongs_to_somebody_else(world: World) -> None:
    documents = [_hanging("topic", "read", "notice"), _hanging("remark", "private", "topic")]
    assert world.ada.post("/metadata/apply", {"documents": documents}).status_code == 200
    topic = world.bob.create("topic", name="Bob's")["id"]
    remark = world.eve.create("remark", name="Eve's", topic=topic)["id"]
    assert world.bob.delete(f"/records/topic/{topic}").status_code == 204

    refused = world.eve.post(f"/records/remark/{remark}/restore")

    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "access_denied")
    assert world.bob.get(f"/records/topic/{topic}").status_code == 404
    assert world.bob.post(f"/records/topic/{topic}/restore").status_code == 200
    assert world.eve.get(f"/records/remark/{remark}").status_code == 200


@pytest.mark.parametrize("deleted", [False, True])
def test_external_id_of_a_hidden_record_is_not_taken_over_by_put(world: World, deleted: bool) -> None:
    address = "/records/account/external/erp/K1"
    hidden = world.bob.put(address, {"name": "Bob's"}).get_json()["id"]
    if deleted:
        world.bob.delete(f"/records/account/{hidden}")

    assert world.eve.put(address, {"name": "Eve's"}).status_code == 404

    if deleted:
        world.bob.post(f"/records/account/{hidden}/restore")
    assert world.ada.get(address).get_json()["id"] == hidden


@pytest.mark.parametrize("key", [(), ("external:erp",)])
def test_external_id_of_a_hidden_record_is_not_taken_over_by_import(
    world: World, tmp_path: Path, key: tuple[str, ...]
) -> None:
    address = "/records/account/external/erp/K1"
    hidden = world.bob.put(address, {"name": "Bob's"}).get_json()["id"]
    path = tmp_path / "rows.csv"
    path.write_text("name,erp\nEve's,K1\nAlso Eve's,K2\n", encoding="utf-8")
    with world.tenant.database.reading() as connection:
        eve = accounts.principal_of(world.tenant, connection, world.eve.user)
    assert eve is not None

    report = Importer(world.tenant, eve, "account", open_source(path), {"erp": "external:erp"}, key=key).run()

    assert (report.counts["created"], report.counts["refused"]) == (1, 1)
    assert world.ada.get(address).get_json()["id"] == hidden
    assert world.eve.get("/records/account/external/erp/K2").get_json()["name"] == "Also Eve's"


@pytest.mark.parametrize("token", [None, "trl_made_up"])
def test_stranger_learns_no_name_of_a_tenant(world: World, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answers = [
        world.nobody.get("/records/account", headers={**headers, "X-Trellis-Tenant": name}) for name in ("demo", "dem")
    ]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].get_data() == answers[1].get_data()


def test_key_of_another_system_is_neither_taken_nor_probed_without_the_right_to_import(world: World) -> None:
    narrow = {"name": "account", "rights": ["create", "read", "edit"]}
    document = {"kind": "permission_set", "name": "clerk", "label": "Clerk", "objects": [narrow]}
    assert world.ada.post("/metadata/apply", {"documents": [document]}).status_code == 200
    with world.tenant.database.reading() as connection:
        old = memberships.memberships(connection, user=world.eve.user)
    memberships.add(world.tenant, world.eve.user, "permission_set", "clerk")
    for membership in old:
        memberships.remove(world.tenant, membership.id)
    assert world.bob.put("/records/account/external/erp/taken", {"name": "Bob's"}).status_code == 201
    answers = [world.eve.put(f"/records/account/external/erp/{key}", {"name": "x"}) for key in ("taken", "free")]
    assert [a.status_code for a in answers] == [403, 403] and answers[0].get_data() == answers[1].get_data()
    assert world.bob.get("/records/account/external/erp/free").status_code == 404


def test_new_password_ends_the_sessions_of_the_old_one(world: World) -> None:
    accounts.give_account(world.tenant, world.bob.user, "bob", password="old password")
    session = accounts.log_in(world.tenant, "bob", "old password")
    accounts.give_account(world.tenant, world.bob.user, "bob", password="new password")
    assert accounts.session_of(world.tenant, session.key) is None
