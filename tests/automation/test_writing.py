"""Automations in the write path: order, policies, rights, circles, and what a batch costs."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import API, changes, counting, create, person, publish, ref, table, values, write

from trellis.access import AccessDenied
from trellis.access.principal import SYSTEM
from trellis.automation import perform, steering
from trellis.automation.performing import StepsFailed
from trellis.automation.trying import CannotTry, dry_run
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.storage import system
from trellis.storage.tables.automation import look, run
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

from .sample import formula, rule, shown, step

OUTSIDE = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")
NOTE = step("s", "set_fields", values={"note": formula('note & "|"')})
FAIL = step("f", "upsert", object="account", match={"domain": formula("domain")}, values={})


def states(tenant: Tenant) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in table(tenant, run):
        found.setdefault(row["automation"], []).append(row["state"])
    return found


def test_before_rules_set_fields_that_judgement_and_defaults_of_the_pipeline_see(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("two", step("s", "set_fields", values={"note": formula('note & "2"')}), run="before", order=2),
        rule("one", step("s", "set_fields", values={"note": formula('name & "1"')}), run="before", order=1),
    )
    create(tenant, "deal", {"name": "a"})
    assert shown(tenant, "deal", "note", "version") == [("a12", 1)]
    assert states(tenant) == {"one": ["done"], "two": ["done"]}


SELLER = {
    "kind": "permission_set",
    "name": "seller",
    "label": "Seller",
    "objects": [{"name": "deal", "rights": ["create", "read", "edit"], "fields": [{"name": "note", "access": "read"}]}],
}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rule_with_the_users_rights_does_not_do_what_he_may_not(tenant: Tenant, when: str) -> None:
    (ann,) = create(tenant, "user", {"name": "Ann", "login": "ann"})
    publish(tenant, SELLER, rule("r", step("s", "set_fields", values={"note": "x"}), run=when, **{"as": "user"}))
    with pytest.raises(RecordsInvalid):
        create(tenant, "deal", {"name": "a"}, principal=person(tenant, ann, "ann", "seller"))
    publish(tenant, rule("r", step("s", "set_fields", values={"note": "x"}), run=when))
    create(tenant, "deal", {"name": "a"}, principal=person(tenant, ann, "ann", "seller"))
    assert shown(tenant, "deal", "note", "created_by.name") == [("x", "Ann")]


def test_a_condition_is_judged_on_the_record_as_it_was_written(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("first", step("s", "set_fields", values={"status": "b"}), when='status = "a"', order=1),
        rule("second", step("s", "set_fields", values={"note": "x"}), when='status = "b"', order=2),
    )
    (deal,) = create(tenant, "deal", {"name": "d", "status": "a"})
    assert shown(tenant, "deal", "status", "note") == [("b", None)]
    (entry,) = table(tenant, look, record=deal)
    assert (entry["rules"], entry["saw"]) == ({"second": "condition"}, {"status": "a"})


def test_becoming_true_is_told_from_being_true(tenant: Tenant) -> None:
    publish(tenant, rule("r", NOTE, on=["created", "updated"], when="amount > 5", fires="becomes_true"))
    (deal,) = create(tenant, "deal", {"name": "a", "amount": "9"})
    for amount in ("10", "1", "7"):
        write(tenant, lambda tx, a=amount: tx.update("deal", [{"id": deal, "amount": a}]))
    assert values(tenant, "deal", "note") == ["||"]
    assert {e["rules"]["r"] for e in table(tenant, look)} == {"held_before", "condition"}


@pytest.mark.parametrize("mode", ["all_or_none", "partial"])
def test_a_failing_rule_stops_the_write_with_its_reason(tenant: Tenant, mode: str) -> None:
    publish(tenant, rule("t", step("c", "create", object="task", values={"subject": formula("name")})), rule("z", FAIL))
    rows = [{"name": "bad"}, {"name": "good", "domain": "a.com"}]
    if mode == "all_or_none":
        with pytest.raises(RecordsInvalid) as caught:
            create(tenant, "deal", *rows)
        assert caught.value.errors[1] is None
        assert caught.value.errors[0]["_record"][0]["code"] == "automation_failed"  # type: ignore[index]
    else:
        found = write(tenant, lambda tx: tx.create("deal", rows, mode="partial"))
        assert [o.action for o in found] == ["refused", "created"]
        assert "Step 'f'" in found[0].errors["_record"][0]["message"]
    assert values(tenant, "deal", "name") == ([] if mode == "all_or_none" else ["good"])
    assert values(tenant, "task", "subject") == ([] if mode == "all_or_none" else ["good"])
    assert "refused" in states(tenant)["z"]
    assert len(changes(tenant, object="deal")) == len(values(tenant, "deal", "name"))


def test_a_failing_rule_that_is_isolated_leaves_the_write_and_takes_back_its_own(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("z", step("c", "create", object="task", values={"subject": formula("name")}), FAIL, on_error="isolate"),
    )
    create(tenant, "deal", {"name": "bad"}, {"name": "good", "domain": "a.com"})
    assert values(tenant, "deal", "name") == ["bad", "good"]
    assert values(tenant, "task", "subject") == ["good"]
    assert sorted(states(tenant)["z"]) == ["done", "failed"]


def test_what_another_rule_refuses_fails_the_step_that_wrote_it(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("outer", step("c", "create", object="account", values={"name": formula("name")}), on_error="isolate"),
        rule(
            "inner",
            step("f", "upsert", object="task", match={"subject": formula("domain")}, values={}),
            object="account",
        ),
    )
    create(tenant, "deal", {"name": "a"})
    assert values(tenant, "account", "name") == []
    (row,) = table(tenant, run, automation="outer")
    assert row["state"] == "failed" and "inner" in row["message"].lower()


def test_the_system_acts_in_the_name_of_the_person_and_the_user_with_his_own_rights(tenant: Tenant) -> None:
    (ann,) = create(tenant, "user", {"name": "Ann", "login": "ann"})
    publish(tenant, rule("r", step("c", "create", object="task", values={"subject": "x"})))
    who = person(tenant, ann)
    create(tenant, "deal", {"name": "a"}, principal=who)
    (task,) = changes(tenant, object="task")
    assert task["actor"] == ann
    assert task["cause"]["kind"] == "automation" and task["cause"]["because"] == API.to_json()
    publish(tenant, rule("r", step("c", "create", object="task", values={"subject": "y"}), **{"as": "user"}))
    create(tenant, "deal", {"name": "b"}, principal=who)
    assert [r["acts_as"] for r in table(tenant, run)] == ["system", "user"]


def test_a_rule_runs_once_for_a_record_and_circles_are_told_with_their_path(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("a", step("s", "set_fields", values={"count": formula("count + 1")}), on=["created", "updated"]),
        rule(
            "b",
            step("s", "set_fields", values={"amount": formula("count * 2")}),
            on={"on": "changed", "field": "count"},
        ),
    )
    (deal,) = create(tenant, "deal", {"name": "d", "count": 0})
    assert shown(tenant, "deal", "count", "amount") == [(1, "2.00")] or values(tenant, "deal", "count") == [1]
    reasons = [why for e in table(tenant, look, record=deal) for why in e["rules"].values()]
    assert any(why.startswith("circle: a → b → a") for why in reasons)
    assert {k: len(v) for k, v in states(tenant).items()} == {"a": 1, "b": 1}


def test_automations_that_start_each_other_too_deep_are_refused_with_their_path(tenant: Tenant) -> None:
    rules = [
        rule(
            f"r{i}",
            step("s", "set_fields", values={"status": str(i + 1)}),
            on={"on": "changed", "field": "status", "to": [str(i)]},
        )
        for i in range(10)
    ]
    publish(tenant, *rules)
    (deal,) = create(tenant, "deal", {"name": "d"})
    with pytest.raises(RecordsInvalid, match="r0 → r1 → r2"):
        write(tenant, lambda tx: tx.update("deal", [{"id": deal, "status": "0"}]))
    assert values(tenant, "deal", "status") == [None]


def test_later_runs_begin_after_the_commit_and_end_chains_of_themselves(tenant: Tenant) -> None:
    publish(
        tenant,
        rule(
            "r", step("s", "set_fields", values={"count": formula("count + 1")}), on=["created", "updated"], run="later"
        ),
    )
    create(tenant, "deal", {"name": "a", "count": 0})
    assert states(tenant) == {"r": ["queued"]}
    for _ in range(5):
        Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "count") == [1]
    assert states(tenant) == {"r": ["done"]}


def test_a_run_that_is_delivered_twice_is_done_once(tenant: Tenant) -> None:
    from trellis.automation.later import work

    publish(tenant, rule("r", step("c", "create", object="task", values={"subject": "x"}), run="later"))
    create(tenant, "deal", {"name": "a"})
    (row,) = table(tenant, run)
    work(tenant, row["id"])
    work(tenant, row["id"])
    Worker(tenant).run_until_idle()
    assert values(tenant, "task", "subject") == ["x"]


def test_runs_in_flight_stay_on_their_version(tenant: Tenant, clock: FakeClock) -> None:
    def version(value: str, **more: Any) -> dict[str, Any]:
        return rule("r", step("w", "wait", **{"for": "P1D"}), step("s", "set_fields", values={"note": value}), **more)

    publish(tenant, version("old"))
    create(tenant, "deal", {"name": "a"})
    publish(tenant, version("new"))
    create(tenant, "deal", {"name": "b"})
    publish(tenant, version("newest", active=False))
    create(tenant, "deal", {"name": "c"})
    clock.set(clock.now().replace(day=4))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == ["old", "new", None]


def test_a_failed_run_is_tried_again_and_a_waiting_one_cancelled_by_administrators(
    tenant: Tenant, clock: FakeClock
) -> None:
    publish(tenant, rule("r", step("w", "wait", **{"for": "P1D"}), FAIL))
    a, _ = create(tenant, "deal", {"name": "a"}, {"name": "b"})
    first, second = table(tenant, run)
    write(tenant, lambda tx: steering.cancel(tx, second["id"]))
    clock.set(clock.now().replace(day=4))
    Worker(tenant).run_until_idle()
    assert states(tenant) == {"r": ["failed", "cancelled"]}
    with pytest.raises(steering.WrongState):
        write(tenant, lambda tx: steering.retry(tx, second["id"]))
    with pytest.raises(AccessDenied):
        write(tenant, lambda tx: steering.retry(tx, first["id"]), person(tenant, 1))
    write(tenant, lambda tx: tx.update("deal", [{"id": a, "domain": "a.com"}]))
    write(tenant, lambda tx: steering.retry(tx, first["id"]))
    Worker(tenant).run_until_idle()
    assert states(tenant) == {"r": ["done", "cancelled"]}
    assert values(tenant, "account", "domain") == ["a.com"]


def test_the_statements_of_a_rule_do_not_grow_with_the_records(tenant: Tenant) -> None:
    inner = [step("e", "set_fields", values={"state": "x"})]
    publish(
        tenant,
        rule(
            "r",
            step(
                "c", "create", object="task", values={"subject": formula("account.name & name"), "deal": formula("id")}
            ),
            step("s", "set_fields", values={"note": formula("$steps.c.subject")}),
            step("u", "update", related="account", values={"status": "seen"}),
            step("b", "branch", when="amount > 5", then=[step("t", "tag", field="tags", add=["big"])]),
            step("f", "for_each", related="lines", steps=inner),
            step("n", "notify", to=[{"field": "owner"}], text="{!name}"),
            when="amount > 0",
        ),
    )
    (account,) = create(tenant, "account", {"name": "acc"})
    found = []
    create(tenant, "deal", {"name": "first", "amount": "9", "account": ref(tenant, "account", account)})
    for count in (20, 400):  # more numbers than one block has
        rows = [
            {"name": f"d{i}", "amount": str(i % 10 + 1), "account": ref(tenant, "account", account)}
            for i in range(count)
        ]
        with counting(tenant) as seen:
            create(tenant, "deal", *rows)
        found.append(len([s for s in seen if not s.startswith(OUTSIDE) and "t_counter" not in s]))
    assert found[0] == found[1] < 40


def test_a_dry_run_tells_what_would_be_and_leaves_nothing(tenant: Tenant, clock: FakeClock) -> None:
    document = rule(
        "r",
        step("c", "create", object="task", values={"subject": formula("name")}),
        step("w", "wait", **{"for": "P1D"}),
        when="amount > 5",
        on={"on": "changed", "field": "amount"},
    )
    (deal,) = create(tenant, "deal", {"name": "a", "amount": "1"})
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "amount": "3"}]))
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "amount": "9"}]))
    before = [len(table(tenant, t)) for t in (system.change, system.outbox, run, look)]
    found = dry_run(tenant, SYSTEM, document, events=3)
    assert [(f["event"], f["fires"], f["reason"], f["saw"]) for f in found] == [
        ("updated", True, None, {"amount": "9.00"}),
        ("updated", False, "condition", {"amount": "3.00"}),
        ("created", False, "trigger", {}),
    ]
    assert [s["outcome"] for s in found[0]["steps"]] == ["done", "waiting"]
    assert [(c["object"], c["action"]) for c in found[0]["changes"]] == [("task", "created")]
    publish(tenant, document)
    (one,) = dry_run(tenant, SYSTEM, "r", record=deal)
    assert (one["fires"], one["state"]) == (True, "waiting")
    assert [len(table(tenant, t)) for t in (system.change, run, look)] == [before[0], before[2], before[3]]
    with pytest.raises(AccessDenied):
        dry_run(tenant, person(tenant, 1), "r", record=deal)
    with pytest.raises(CannotTry):
        dry_run(tenant, SYSTEM, "r")


def test_old_traces_are_forgotten_and_runs_on_their_way_stay(tenant: Tenant, clock: FakeClock) -> None:
    publish(
        tenant, rule("r", step("w", "wait", **{"for": "P400D"})), rule("d", NOTE), rule("n", NOTE, when="amount > 1")
    )
    create(tenant, "deal", {"name": "a"})
    tenant.change_settings(automation_trace_days=10)
    tenant.model()
    clock.set(clock.now().replace(month=4))
    assert steering.purge(tenant) == 2
    assert states(tenant) == {"r": ["waiting"]}


def test_other_documents_do_steps_for_records_in_a_transaction(tenant: Tenant) -> None:
    ids = create(tenant, "deal", {"name": "a"}, {"name": "b", "domain": "x"})
    steps = [step("s", "set_fields", values={"note": formula('name & "!"')})]
    write(tenant, lambda tx: perform(tx, "deal", ids, steps, source="approval:x:on_approve"))
    assert values(tenant, "deal", "note") == ["a!", "b!"]
    with pytest.raises(StepsFailed, match="Step 'f'"):
        write(tenant, lambda tx: perform(tx, "deal", ids, [FAIL], source="approval:x:on_reject"))
    assert values(tenant, "account", "domain") == []


def test_migration_starts_no_automation(tenant: Tenant) -> None:
    publish(tenant, rule("r", NOTE), rule("b", NOTE, run="before"))
    write(tenant, lambda tx: tx.create("deal", [{"name": "a"}]), migration=True)
    assert (values(tenant, "deal", "note"), states(tenant)) == ([None], {})
