"""Access stays right while everything changes: records, rules, people, trees and time; and what explanations name is what counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from access.oracle import may as brute_force
from access.test_random_organisations import as_data, organisation
from access.worlds import AccessWorld, build, load
from support.kernel import ADMIN, API, codes, counting, create, publish, ref, rows, table, write

from trellis.access import building, memberships, shares
from trellis.access.arms.shares import RESTRICTION
from trellis.access.decide import may
from trellis.access.explain import explain_access
from trellis.access.memberships import BadMembership
from trellis.access.people import person
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.runtime import Runtime
from trellis.storage.tables.access import access_rule, share
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

DEAL = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [{"name": "name", "type": "text"}, {"name": "amount", "type": "number", "scale": 2}],
}
RULE = {"kind": "sharing_rule", "name": "big", "object": "deal", "when": "amount > 100", "level": "read"}
DESK = {"kind": "group", "name": "desk"}
HIDE = {"kind": "restriction_rule", "name": "hush", "object": "deal", "hide_when": "amount > 100"}


@pytest.fixture
def desk(open_copy: Callable[..., Tenant]) -> AccessWorld:
    """Ann owns deals, Dora is in a group with which big ones are shared."""
    return build(
        open_copy(),
        {
            "documents": [DEAL, DESK, {**RULE, "share_with": [{"group": "desk"}]}],
            "people": {"ann": {}, "dora": {"groups": ["desk"]}},
            "records": {
                "big": {"object": "deal", "owner": "ann", "values": {"amount": "500"}},
                "small": {"object": "deal", "owner": "ann", "values": {"amount": "5"}},
            },
        },
    )


def seen(world: AccessWorld, name: str) -> list[str]:
    """The deals that somebody sees."""
    return [r["name"] for r in rows(world.tenant, "deal", world.principals()[name], fields=["name"])]


def change(world: AccessWorld, record: str, **values: Any) -> None:
    """Change a record as an administrator."""
    write(world.tenant, lambda tx: tx.update("deal", [{"id": world.records[record][1], **values}]))


def test_condition_is_followed_when_a_record_changes(desk: AccessWorld) -> None:
    assert seen(desk, "dora") == ["big"]
    change(desk, "big", amount="50")
    change(desk, "small", amount="101")
    assert seen(desk, "dora") == ["small"]
    create(desk.tenant, "deal", {"name": "new", "amount": "200"})
    assert seen(desk, "dora") == ["small", "new"]
    change(desk, "small", name="renamed")
    assert seen(desk, "dora") == ["renamed", "new"]


def test_rule_that_changes_is_worked_out_anew(desk: AccessWorld) -> None:
    publish(desk.tenant, {**RULE, "when": "amount < 100", "share_with": [{"group": "desk"}]})
    assert seen(desk, "dora") == ["small"]
    publish(desk.tenant, removed=[("sharing_rule", "big")])
    assert seen(desk, "dora") == []
    assert table(desk.tenant, share) == []


def test_large_objects_are_worked_out_by_the_worker(desk: AccessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "INLINE_RECORDS", 1)
    monkeypatch.setattr(building, "BATCH", 1)
    publish(desk.tenant, {**RULE, "when": "amount > 1", "share_with": [{"group": "desk"}]})
    assert seen(desk, "dora") == []
    assert [(p["name"], p["done"]) for p in building.progress(desk.tenant)] == [("big", 0)]
    Worker(desk.tenant).run_until_idle()
    assert seen(desk, "dora") == ["big", "small"]
    assert building.progress(desk.tenant) == []


def test_restriction_that_is_being_built_hides_everything(desk: AccessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "INLINE_RECORDS", 1)
    publish(desk.tenant, {**HIDE, "applies_to": [{"everyone": True}]})
    assert (seen(desk, "ann"), len(rows(desk.tenant, "deal"))) == ([], 2)
    Worker(desk.tenant).run_until_idle()
    assert seen(desk, "ann") == ["small"]
    assert [r["record"] for r in table(desk.tenant, share, kind=RESTRICTION)] == [desk.records["big"][1]]
    assert {r["state"] for r in table(desk.tenant, access_rule)} == {"ready"}


def test_memberships_roles_and_groups_count_at_once(desk: AccessWorld) -> None:
    publish(desk.tenant, {"kind": "role", "name": "boss"}, {"kind": "role", "name": "rep", "parent": "boss"})
    memberships.add(desk.tenant, desk.people["ann"], "role", "rep")
    number = memberships.add(desk.tenant, desk.people["dora"], "role", "boss")
    assert seen(desk, "dora") == ["big", "small"]
    publish(desk.tenant, {"kind": "role", "name": "rep"})
    assert seen(desk, "dora") == ["big"]
    publish(desk.tenant, {"kind": "role", "name": "rep", "parent": "boss"})
    memberships.remove(desk.tenant, number)
    assert seen(desk, "dora") == ["big"]
    publish(desk.tenant, {**DESK, "members": [{"role": "rep"}]})
    assert seen(desk, "ann") == ["big", "small"]
    for wrong in (("role", "bos"), ("unit", "x.y"), ("colour", "red")):
        with pytest.raises(BadMembership):
            memberships.add(desk.tenant, desk.people["ann"], *wrong)
    with pytest.raises(BadMembership):
        memberships.add(desk.tenant, 1, "role", "rep")
    with pytest.raises(BadMembership):
        memberships.add(
            desk.tenant, desk.people["ann"], "role", "rep", starts_on=date(2030, 1, 2), ends_on=date(2030, 1, 1)
        )


def test_time_begins_and_ends_memberships_and_shares(tmp_path: Path, database_url: str) -> None:
    clock = FakeClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    runtime = Runtime(tmp_path / "home", database_url=database_url, clock=clock)
    try:
        world = build(
            runtime.create_tenant("acme"),
            {
                "documents": [DEAL, DESK, {**RULE, "share_with": [{"group": "desk"}]}],
                "people": {"ann": {}, "eve": {"dated": [["group", "desk", "2026-03-03", "2026-03-04"]]}},
                "records": {
                    "big": {"object": "deal", "owner": "ann", "values": {"amount": "500"}},
                    "other": {"object": "deal", "owner": "ann"},
                },
            },
        )
        number = world.records["other"][1]
        until = clock.now() + timedelta(hours=1)
        write(
            world.tenant,
            lambda tx: shares.give(tx, tx.model.object("deal"), number, world.people["eve"], "read", expires_at=until),
        )
        found = []
        for _ in range(6):
            Worker(world.tenant).run_until_idle()
            found.append(seen(world, "eve"))
            clock.advance(timedelta(hours=2) if len(found) == 1 else timedelta(days=1))
        assert found == [["other"], [], [], ["big"], ["big"], []]
    finally:
        runtime.close()


def test_new_owner_is_the_one_who_sees(desk: AccessWorld) -> None:
    change(desk, "small", owner=ref(desk.tenant, "user", desk.people["dora"]))
    assert (seen(desk, "ann"), seen(desk, "dora")) == (["big"], ["big", "small"])


def test_transfer_is_a_right_unless_one_still_sees_the_record(desk: AccessWorld) -> None:
    dora = ref(desk.tenant, "user", desk.people["dora"])
    give: Callable[[Any], Any] = lambda tx: tx.update("deal", [{"id": desk.records["small"][1], "owner": dora}])  # noqa: E731
    with pytest.raises(RecordsInvalid) as refused:
        write(desk.tenant, give, desk.principals()["ann"])
    assert codes(refused.value.errors[0]) == {"owner": ["access_denied"]}
    rights = ["create", "read", "edit", "transfer"]
    publish(desk.tenant, {"kind": "permission_set", "name": "giver", "objects": [{"name": "deal", "rights": rights}]})
    memberships.add(desk.tenant, desk.people["ann"], "permission_set", "giver")
    write(desk.tenant, give, desk.principals()["ann"])
    assert "small" in seen(desk, "dora")


def test_record_types_and_fields_are_refused_at_their_place(open_copy: Callable[..., Tenant]) -> None:
    types = [{"name": "plain"}, {"name": "key"}]
    entry = {
        "name": "deal",
        "rights": ["create", "read", "edit"],
        "record_types": ["plain"],
        "fields": [{"name": "amount", "access": "read"}],
    }
    world = build(
        open_copy(),
        {
            "documents": [
                {**DEAL, "record_types": types},
                {"kind": "permission_set", "name": "plain", "objects": [entry]},
            ],
            "people": {"ann": {"sets": ["plain"]}},
            "records": {},
        },
    )
    ann = world.principals()["ann"]
    for values, wrong in (
        ({"record_type": "key"}, {"record_type": ["access_denied"]}),
        ({}, {"record_type": ["access_denied"]}),
        ({"record_type": "plain", "amount": "5"}, {"amount": ["access_denied"]}),
    ):
        with pytest.raises(RecordsInvalid) as refused:
            create(world.tenant, "deal", {"name": "x", **values}, principal=ann)
        assert codes(refused.value.errors[0]) == wrong
    [number] = create(world.tenant, "deal", {"name": "x", "record_type": "plain"}, principal=ann)
    write(world.tenant, lambda tx: tx.update("deal", [{"id": number, "amount": "7"}]))
    write(world.tenant, lambda tx: tx.update("deal", [{"id": number, "name": "y", "amount": "7"}]), ann)
    with pytest.raises(RecordsInvalid):
        write(world.tenant, lambda tx: tx.update("deal", [{"id": number, "amount": "8"}]), ann)


def test_number_of_statements_does_not_grow_with_the_batch(desk: AccessWorld) -> None:
    ann = desk.principals()["ann"]
    counts = []
    for size in (2, 40):
        numbers = create(desk.tenant, "deal", *({"name": f"n{i}", "amount": "1"} for i in range(size)), principal=ann)
        with counting(desk.tenant) as statements:
            batch = [{"id": n, "amount": "900"} for n in numbers]
            write(desk.tenant, lambda tx, batch=batch: tx.update("deal", batch), ann)  # type: ignore[misc]
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert len(seen(desk, "dora")) == 43


def test_administrators_are_asked_no_question(desk: AccessWorld) -> None:
    with counting(desk.tenant) as statements:
        rows(desk.tenant, "deal", ADMIN)
    assert not any("t_reach" in s or "t_share" in s for s in statements)


@pytest.mark.parametrize("file", ["hierarchy", "owner_rules", "shares", "criteria", "parent", "permission_sets"])
def test_removing_what_an_explanation_names_removes_the_access(file: str, open_copy: Callable[..., Tenant]) -> None:
    data = load(file)
    world = build(open_copy(), data)
    done = 0
    for case in data["cases"]:
        _, who, action, record, expected, *_ = case
        if expected != "yes" or action not in ("read", "edit") or record not in world.records or done > 6:
            continue
        if world.principals()[who].admin or not _explained(world, who, record, action).allowed:
            continue
        for path in _explained(world, who, record, action).paths:
            _revoke(world, path.revoke)
        assert _explained(world, who, record, action).allowed is False, case
        object_name, number = world.records[record]
        with world.tenant.database.reading() as connection:
            model = world.tenant.model_in(connection)
            assert not may(connection, world.principals()[who], model, model.object(object_name), number, action)
        done += 1
    assert done > 2


def _explained(world: AccessWorld, who: str, record: str, action: str) -> Any:
    object_name, number = world.records[record]
    with world.tenant.database.reading() as connection:
        model = world.tenant.model_in(connection)
        return explain_access(connection, model, world.principals()[who], model.object(object_name), number, action)


def _revoke(world: AccessWorld, change: Any) -> None:
    """Do what a path says would end it."""
    tenant, kind = world.tenant, change["change"]
    if kind == "owner":
        for name, number in world.records.values():
            owners = rows(
                tenant, name, fields=["owner"], filter={"field": "id", "op": "=", "value": ref(tenant, name, number)}
            )
            if owners[0]["owner"] == ref(tenant, "user", change["from"]):
                write(tenant, lambda tx, o=name, n=number: tx.update(o, [{"id": n, "owner": None}]))  # type: ignore[misc]
    elif kind == "membership":
        with tenant.database.reading() as connection:
            found = memberships.memberships(connection, user=change["user"], kind=change["kind"])
        for membership in found:
            if membership.name in change["names"]:
                memberships.remove(tenant, membership.id)
    elif kind == "document":
        if tenant.model().snapshot.get(change["kind"], change["name"]):
            document = dict(tenant.model().snapshot.get(change["kind"], change["name"]) or {})
            if change["kind"] == "org_unit_tree":
                publish(tenant, {k: v for k, v in document.items() if k != "sharing"})
            else:
                publish(tenant, removed=[(change["kind"], change["name"])])
    elif kind == "share":
        name = next(o for o, n in world.records.values() if n == change["record"])
        body: Callable[[Any], None] = lambda tx: shares.take(  # noqa: E731
            tx, tx.model.object(name), change["record"], change["kind"], change["principal"]
        )
        tenant.run(ADMIN, API, body)
    elif kind == "right":
        for one in change["permission_sets"]:
            document = dict(tenant.model().snapshot.get("permission_set", one) or {})
            objects = [{**o, "rights": [x for x in o["rights"] if x != change["right"]]} for o in document["objects"]]
            publish(tenant, {**document, "objects": objects})
    elif kind == "sharing_default":
        document = dict(tenant.model().snapshot.get("object", change["object"]) or {})
        publish(tenant, {**document, "sharing": {**document["sharing"], "default": "private"}})
    else:
        raise AssertionError(kind)


def test_random_revocations_agree_with_brute_force(runtime: Runtime) -> None:
    world = organisation(7)
    made = build(runtime.create_tenant("acme"), as_data(world))
    revoked = 0
    for record, stored in world["records"].items():
        for who in world["people"]:
            given = [s for s in world["shares"] if s["record"] == record]
            if revoked < 3 and given and brute_force(world, who, record, "read") and stored["object"] != "child":
                paths = _explained(made, who, record, "read").paths
                for path in paths:
                    if path.revoke["change"] == "share":
                        _revoke(made, path.revoke)
                        world["shares"] = [s for s in world["shares"] if not _same(made, s, record, path)]
                        revoked += 1
                assert _explained(made, who, record, "read").allowed is brute_force(world, who, record, "read")
    assert revoked


def _same(made: AccessWorld, given: Any, record: str, path: Any) -> bool:
    ((kind, name),) = given["with"].items()
    receiver = f"user:{made.people[name]}" if kind == "user" else "everyone" if kind == "everyone" else f"{kind}:{name}"
    return bool(given["record"] == record and receiver == path.detail["receiver"])


def test_person_without_any_set_may_do_nothing(desk: AccessWorld) -> None:
    with desk.tenant.database.reading() as connection:
        nobody = person(desk.tenant, connection, desk.tenant.model_in(connection), 987654)
    assert nobody.grants.key == ()
