"""Changes of many records: tried, carried out in part, done by the worker, undone as one step; nobody changes what he may not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.kernel import counting, create, field, obj, person, publish, ref, rows, write

from trellis import mass
from trellis.access import AccessDenied, accounts
from trellis.jobs import Worker
from trellis.mass import BadMassChange, MassChange, running, steps
from trellis.notifications import notifications_of
from trellis.tenant import Tenant
from trellis.transaction.errors import NotFound

RULE = {"name": "not_seven", "when": 'AND(number = 7, state = "b")', "message": "Seven stays."}
THING = obj(
    "thing",
    field("name", required=True),
    field("number", "integer"),
    field("state", "picklist", options=[{"name": "a"}, {"name": "b"}]),
    field("note", max_length=20),
    field("marks", "tags"),
    sharing={"default": "private"},
    validation=[RULE],
)


NOTHING = {"kind": "permission_set", "name": "nothing", "objects": [{"name": "thing", "rights": ["read", "edit"]}]}


def build(tenant: Tenant) -> None:
    publish(tenant, THING, NOTHING)
    for login in ("rep", "eve"):
        accounts.create_user(tenant, login=login, name=login, password="correct horse")


@pytest.fixture
def shop(open_copy: Any) -> Tenant:
    return open_copy("mass", build)


@pytest.fixture
def rep(shop: Tenant) -> Any:
    return _principal(shop, "rep")


def _principal(tenant: Tenant, login: str) -> Any:
    (found,) = rows(tenant, "user", filter={"field": "login", "op": "=", "value": login})
    number = tenant.model().env.parse_id(found["id"], ("user",))[1]
    return person(tenant, number, login, "standard")


def _things(tenant: Tenant, who: Any, count: int = 10) -> list[int]:
    return create(tenant, "thing", *({"name": f"t{i}", "number": i, "state": "a"} for i in range(count)), principal=who)


def _states(tenant: Tenant) -> dict[int, str]:
    return {row["number"]: row["state"] for row in rows(tenant, "thing", limit=1000)}


TO_B = MassChange("thing", "update", {"state": "b"})


def test_trial_tells_what_will_be_refused_and_writes_nothing(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep)
    trial = mass.try_out(shop, rep, TO_B, ids)
    assert (trial.total, trial.tried, trial.changed, trial.same) == (10, 10, 9, 0)
    ((record, errors),) = trial.refused
    assert record == ids[7] and "Seven stays." in str(errors)
    assert set(_states(shop).values()) == {"a"}


def test_step_changes_what_it_may_and_undo_takes_all_of_it_back(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep)
    write(shop, lambda tx: tx.update("thing", [{"id": ref(shop, "thing", ids[0]), "state": "b"}]), rep)
    step = mass.start(shop, rep, TO_B, ids)
    assert (step.state, step.counts) == ("done", {"done": 8, "same": 1, "refused": 1})
    with shop.database.reading() as connection:
        ((record, problem),) = mass.refusals_of(connection, step.id)
    assert record == ids[7] and "Seven stays." in str(problem)
    assert _states(shop) == {i: "a" if i == 7 else "b" for i in range(10)}
    back = mass.undo(shop, rep, step.id)
    assert (back.state, back.counts["undone"]) == ("undone", 8)
    assert _states(shop) == {i: "b" if i == 0 else "a" for i in range(10)}


def test_undo_leaves_what_somebody_changed_since(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep, 3)
    step = mass.start(shop, rep, MassChange("thing", "update", {"state": "b", "note": "x"}), ids)
    changes = [{"id": ref(shop, "thing", ids[1]), "note": "mine"}, {"id": ref(shop, "thing", ids[2]), "number": 70}]
    write(shop, lambda tx: tx.update("thing", changes), rep)
    back = mass.undo(shop, rep, step.id)
    assert back.counts == {"undone": 2, "kept": 1}
    found = {r["name"]: (r["state"], r["note"]) for r in rows(shop, "thing")}
    assert found == {"t0": ("a", None), "t1": ("a", "mine"), "t2": ("a", None)}


def test_deleted_records_come_back(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep, 4)
    step = mass.start(shop, rep, MassChange("thing", "delete"), ids[:3])
    assert [r["name"] for r in rows(shop, "thing")] == ["t3"]
    assert mass.undo(shop, rep, step.id).counts == {"undone": 3}
    assert len(rows(shop, "thing")) == 4


def test_tags_are_put_on_and_taken_off(shop: Tenant, rep: Any) -> None:
    ids = create(shop, "thing", {"name": "x", "marks": ["old", "vip"]}, {"name": "y"}, principal=rep)
    mass.start(shop, rep, MassChange("thing", "tag", field="marks", add=("new", "vip"), remove=("old",)), ids)
    assert {r["name"]: set(r["marks"]) for r in rows(shop, "thing")} == {"x": {"vip", "new"}, "y": {"new", "vip"}}


def test_nobody_changes_records_that_he_does_not_see(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep, 3)
    eve = _principal(shop, "eve")
    assert len(mass.try_out(shop, eve, TO_B, ids).refused) == 3
    step = mass.start(shop, eve, TO_B, ids)
    assert step.counts == {"refused": 3} and set(_states(shop).values()) == {"a"}
    assert mass.start(shop, eve, MassChange("thing", "delete"), ids).counts == {"refused": 3}
    with pytest.raises(NotFound):
        mass.undo(shop, rep, step.id)


def test_change_without_the_right_or_without_sense_is_refused(shop: Tenant, rep: Any) -> None:
    ids = _things(shop, rep, 1)
    number = rep.user
    reader = person(shop, number, "rep", "nothing")
    with pytest.raises(AccessDenied):
        mass.start(shop, reader, TO_B, ids)
    for change in (
        MassChange("thing", "update"),
        MassChange("thing", "update", {"nmae": 1}),
        MassChange("thing", "tag", field="note", add=("x",)),
        MassChange("thing", "polish"),
    ):
        with pytest.raises(BadMassChange):
            mass.start(shop, rep, change, ids)
    with pytest.raises(BadMassChange):
        mass.start(shop, rep, TO_B, [])


def test_many_records_are_done_and_undone_by_the_worker_in_chunks(
    shop: Tenant, rep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 5)
    monkeypatch.setattr(steps, "AT_ONCE", 5)
    monkeypatch.setattr(running, "CHUNK", 4)
    ids = _things(shop, rep)
    step = mass.start(shop, rep, TO_B, ids)
    assert step.state == "running" and set(_states(shop).values()) == {"a"}
    with pytest.raises(BadMassChange):
        mass.undo(shop, rep, step.id)
    _work(shop)
    with shop.database.reading() as connection:
        found = mass.step_of(connection, rep, step.id)
        messages = notifications_of(connection, shop.model_in(connection), rep)
    assert (found.state, found.counts) == ("done", {"done": 9, "refused": 1})
    assert [m.url for m in messages] == [f"/o/thing/mass/{step.id}"]
    assert mass.undo(shop, rep, step.id).state == "undoing"
    _work(shop)
    with shop.database.reading() as connection:
        assert mass.step_of(connection, rep, step.id).state == "undone"
    assert set(_states(shop).values()) == {"a"}


def _work(tenant: Tenant) -> None:
    Worker(tenant).run_until_idle()


def test_a_step_over_many_records_costs_a_fixed_number_of_statements(shop: Tenant, rep: Any) -> None:
    few, many = _things(shop, rep, 2), _things(shop, rep, 60)
    with counting(shop) as for_few:
        mass.start(shop, rep, MassChange("thing", "update", {"note": "x"}), few)
    with counting(shop) as for_many:
        mass.start(shop, rep, MassChange("thing", "update", {"note": "x"}), many)
    assert len(for_many) <= len(for_few) + 6
