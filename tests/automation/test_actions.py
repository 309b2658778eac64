"""What each action does, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.kernel import create, publish, ref, rows, table, values, write

from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.locks import locks_of
from trellis.storage.tables.automation import run
from trellis.storage.tables.people import notification
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

from .sample import formula, rule, shown, step


def made(tenant: Tenant, count: int = 1, **more: Any) -> list[int]:
    return create(tenant, "deal", *({"name": f"d{i}", **more} for i in range(count)))


def traces(tenant: Tenant, name: str) -> list[Any]:
    return [r["trace"] for r in table(tenant, run, automation=name)]


def test_set_fields_changes_the_record(tenant: Tenant) -> None:
    publish(tenant, rule("r", step("s", "set_fields", values={"status": "open", "note": formula('name & "!"')})))
    made(tenant, count=2)
    assert shown(tenant, "deal", "status", "note") == [("open", "d0!"), ("open", "d1!")]


def test_create_makes_one_record_per_run_that_later_steps_read(tenant: Tenant) -> None:
    publish(
        tenant,
        rule(
            "r",
            step("t", "create", object="task", values={"subject": formula("name"), "deal": formula("id")}),
            step("s", "set_fields", values={"note": formula("$steps.t.subject & $steps.t.deal.name")}),
        ),
    )
    made(tenant, count=2)
    assert values(tenant, "task", "subject") == ["d0", "d1"]
    assert values(tenant, "deal", "note") == ["d0d0", "d1d1"]


def test_update_changes_what_a_lookup_leads_to_once_per_different_change(tenant: Tenant) -> None:
    publish(
        tenant,
        rule(
            "r",
            step(
                "u",
                "update",
                related="account",
                values={"status": formula("$record.name"), "touched": formula("touched + 1")},
            ),
        ),
    )
    (account,) = create(tenant, "account", {"name": "a", "touched": 0})
    made(tenant, count=3, account=ref(tenant, "account", account))
    assert shown(tenant, "account", "status", "touched", "version") == [("d2", 1, 4)]


def test_update_takes_the_records_of_a_list_for_which_a_condition_holds(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("r", step("u", "update", related="lines", when="price > 5", values={"state": "big"}), on="updated"),
    )
    (deal,) = made(tenant)
    create(tenant, "line", *({"deal": ref(tenant, "deal", deal), "price": str(p)} for p in (1, 6, 9)))
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "x"}]))
    assert values(tenant, "line", "state") == [None, "big", "big"]


def test_more_related_records_than_the_limit_fail_the_step(tenant: Tenant) -> None:
    publish(tenant, rule("r", step("u", "update", related="lines", values={"state": "x"}, limit=1), on="updated"))
    (deal,) = made(tenant)
    create(tenant, "line", *({"deal": ref(tenant, "deal", deal)} for _ in range(2)))
    with pytest.raises(RecordsInvalid, match="more than 1 related records"):
        write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "x"}]))


def test_delete_moves_the_record_or_related_ones_to_the_bin(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("lines", step("d", "delete", related="lines", when='state = "old"'), on="updated"),
        rule("self", step("d", "delete", when='status = "spam"'), on={"on": "changed", "field": "status"}),
    )
    (deal,) = made(tenant)
    create(tenant, "line", *({"deal": ref(tenant, "deal", deal), "state": s} for s in ("old", "new")))
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "x"}]))
    assert values(tenant, "line", "state") == ["new"]
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "status": "spam"}]))
    assert values(tenant, "deal", "id") == []


def test_upsert_changes_the_one_that_fits_and_creates_where_none_does(tenant: Tenant) -> None:
    publish(
        tenant,
        rule(
            "r",
            step("a", "upsert", object="account", match={"domain": formula("domain")}, values={"status": "seen"}),
            step("s", "set_fields", values={"account": formula("$steps.a.id")}),
        ),
    )
    create(tenant, "account", {"name": "known", "domain": "a.com"})
    create(
        tenant,
        "deal",
        {"name": "1", "domain": "a.com"},
        {"name": "2", "domain": "b.com"},
        {"name": "3", "domain": "b.com"},
    )
    assert shown(tenant, "account", "domain", "status") == [("a.com", "seen"), ("b.com", "seen")]
    assert values(tenant, "deal", "account.domain") == ["a.com", "b.com", "b.com"]


def test_upsert_refuses_two_that_fit_and_a_blank_key(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("r", step("a", "upsert", object="account", match={"domain": formula("domain")}, values={"status": "x"})),
    )
    create(tenant, "account", {"name": "1", "domain": "a.com"}, {"name": "2", "domain": "a.com"})
    for given, told in (({"domain": "a.com"}, "More than one record"), ({}, "is blank")):
        with pytest.raises(RecordsInvalid, match=told):
            made(tenant, **given)
    assert values(tenant, "deal", "id") == []


@pytest.mark.parametrize(("missing", "expected"), [("leave", "old"), ("blank", None)])
def test_link_points_at_the_record_that_fits(tenant: Tenant, missing: str, expected: str | None) -> None:
    publish(
        tenant,
        rule("r", step("l", "link", related="account", match={"domain": formula("domain")}, missing=missing)),
    )
    old, _ = create(tenant, "account", {"name": "old"}, {"name": "new", "domain": "a.com"})
    made(tenant, account=ref(tenant, "account", old), domain="a.com")
    made(tenant, account=ref(tenant, "account", old), domain="zzz.com")
    assert values(tenant, "deal", "account.name") == ["new", expected]


def test_link_fails_where_nothing_fits_if_it_must(tenant: Tenant) -> None:
    publish(
        tenant, rule("r", step("l", "link", related="account", match={"domain": formula("domain")}, missing="fail"))
    )
    with pytest.raises(RecordsInvalid, match="No record of 'account' fits"):
        made(tenant, domain="zzz.com")


def test_tag_adds_and_removes_without_regard_to_case(tenant: Tenant) -> None:
    publish(tenant, rule("r", step("t", "tag", field="tags", add=["VIP"], remove=["cold"])))
    made(tenant, tags=["Cold", "fair"])
    assert values(tenant, "deal", "tags") == [["fair", "VIP"]]


def test_assign_gives_the_record_to_the_first_who_is_named(tenant: Tenant) -> None:
    create(tenant, "user", {"name": "Ann", "login": "ann"}, {"name": "Ben", "login": "ben"})
    publish(
        tenant,
        rule("o", step("a", "assign", to=[{"users": ["ben", "ann"]}])),
        rule("f", step("a", "assign", to=[{"field": "owner"}], field="seller"), order=200),
        rule("n", step("a", "assign", to=[{"field": "seller"}]), on={"on": "changed", "field": "note"}),
    )
    (deal,) = made(tenant)
    assert shown(tenant, "deal", "owner.name", "seller.name") == [("Ben", "Ben")]
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "seller": None}]))
    with pytest.raises(RecordsInvalid, match="Step 'a'"):
        write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "x"}]))


def test_move_stage_goes_the_way_of_every_write(tenant: Tenant) -> None:
    publish(
        tenant, rule("r", step("m", "move_stage", to="won"), on={"on": "changed", "field": "status", "to": ["signed"]})
    )
    (deal,) = made(tenant, stage="new")
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "status": "signed"}]))
    assert values(tenant, "deal", "stage") == ["won"]


def test_create_task_fills_subject_day_owner_and_what_it_is_about(tenant: Tenant) -> None:
    (ann,) = create(tenant, "user", {"name": "Ann", "login": "ann"})
    publish(
        tenant,
        rule(
            "r",
            step("t", "create_task", subject={"en": "Call {!name}", "zh": "致电 {!name}"}, due="TODAY() + 3"),
            step("u", "create_task", subject="For Ann", to=[{"users": ["ann"]}]),
            step("s", "set_fields", values={"note": formula("$steps.t.subject")}),
        ),
    )
    made(tenant, count=2, owner=ref(tenant, "user", ann))
    found = rows(tenant, "task", fields=["subject", "due_on", "owner.name", "deal.name"])
    assert {r["subject"] for r in found} == {"Call d0", "Call d1", "For Ann"}
    assert (found[0]["deal.name"], str(found[0]["due_on"])) == ("d0", "2026-03-05")
    assert all(r["owner.name"] == "Ann" for r in found)
    assert values(tenant, "deal", "note") == ["Call d0", "Call d1"]


def test_notify_leaves_a_message_in_both_languages(tenant: Tenant) -> None:
    ann, ben = create(tenant, "user", {"name": "Ann", "login": "ann"}, {"name": "Ben", "login": "ben"})
    publish(
        tenant,
        rule(
            "r", step("n", "notify", to=[{"users": ["ann", "ben"]}], text={"en": "{!name} won", "zh": "{!name} 赢单"})
        ),
    )
    (deal,) = made(tenant)
    found = table(tenant, notification)
    assert [(n["user"], n["text"], n["record"]) for n in found] == [
        (user, {"en": "d0 won", "zh": "d0 赢单"}, deal) for user in (ann, ben)
    ]


def test_lock_keeps_everybody_out_until_unlock(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("l", step("l", "lock", lock="signed", reason="It is signed.", open_fields=["note"])),
        rule("u", step("u", "unlock", lock="signed"), on={"on": "changed", "field": "note"}),
    )
    (deal,) = made(tenant)
    with pytest.raises(RecordsInvalid, match="It is signed"):
        write(tenant, lambda tx: tx.update("deal", [{"id": deal, "name": "y"}]))
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "y"}]))
    with tenant.database.reading() as connection:
        assert locks_of(connection, [deal]) == {}
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "name": "y"}]))


def test_branch_goes_one_way_for_each_record(tenant: Tenant) -> None:
    ways = {
        "then": [step("a", "set_fields", values={"status": "big"})],
        "else": [step("b", "set_fields", values={"status": "small"})],
    }
    publish(
        tenant, rule("r", step("w", "branch", when="amount > 10", **ways), step("c", "set_fields", values={"count": 1}))
    )
    create(tenant, "deal", {"name": "x", "amount": "20"}, {"name": "y", "amount": "5"})
    assert shown(tenant, "deal", "status", "count") == [("big", 1), ("small", 1)]
    assert traces(tenant, "r")[1][0] == {
        "step": "w",
        "action": "branch",
        "outcome": "done",
        "saw": {"amount": "5.00"},
        "way": "else",
    }


def test_for_each_does_steps_for_each_related_record(tenant: Tenant) -> None:
    inner = [
        step("s", "set_fields", values={"name": formula('name & "/" & $record.name')}),
        step("t", "create", object="task", values={"subject": formula("name & $record.note")}),
    ]
    publish(tenant, rule("r", step("e", "for_each", related="lines", when="price > 1", steps=inner), on="updated"))
    (deal,) = made(tenant)
    create(tenant, "line", *({"name": f"l{p}", "deal": ref(tenant, "deal", deal), "price": str(p)} for p in (1, 2, 3)))
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, "note": "N"}]))
    assert values(tenant, "line", "name") == ["l1", "l2/d0", "l3/d0"]
    assert values(tenant, "task", "subject") == ["l2/d0N", "l3/d0N"]


def test_call_runs_another_automation_as_a_run_of_its_own(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("sub", step("s", "set_fields", values={"status": "called"}), on="called", when="amount > 1"),
        rule("r", step("c", "call", automation="sub")),
    )
    create(tenant, "deal", {"name": "x", "amount": "2"}, {"name": "y", "amount": "1"})
    assert values(tenant, "deal", "status") == ["called", None]
    assert [(r["trigger"], r["state"]) for r in table(tenant, run, automation="sub")] == [("called", "done")]


def test_automations_that_call_each_other_in_a_circle_are_stopped_with_their_path(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("a", step("c", "call", automation="b"), on=["created", "called"]),
        rule("b", step("c", "call", automation="a"), on="called"),
    )
    with pytest.raises(RecordsInvalid, match="a → b → a"):
        made(tenant)


def test_wait_goes_on_in_the_worker(tenant: Tenant, clock: FakeClock) -> None:
    publish(
        tenant,
        rule(
            "r",
            step("t", "create", object="task", values={"subject": formula("name")}),
            step("w", "wait", **{"for": "P1D"}),
            step("s", "set_fields", values={"note": formula('$steps.t.subject & IF($steps.w.timed_out, "late", "")')}),
        ),
    )
    made(tenant, count=2)
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == [None, None]
    clock.advance(timedelta(days=1))
    Worker(tenant).run_until_idle()
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == ["d0", "d1"]
    assert [r["state"] for r in table(tenant, run)] == ["done", "done"]


def test_wait_inside_a_branch_goes_on_there_and_after_it(tenant: Tenant, clock: FakeClock) -> None:
    then = [step("w", "wait", until="close_date - 1"), step("a", "set_fields", values={"status": "soon"})]
    publish(
        tenant,
        rule("r", step("b", "branch", when="amount > 1", then=then), step("c", "set_fields", values={"count": 7})),
    )
    create(
        tenant,
        "deal",
        {"name": "x", "amount": "2", "close_date": "2026-03-10"},
        {"name": "y", "close_date": "2026-03-10"},
        {"name": "z", "amount": "2"},
    )
    assert values(tenant, "deal", "count") == [None, 7, 7]
    clock.advance(timedelta(days=6, hours=14, minutes=59))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "count") == [None, 7, 7]
    clock.advance(timedelta(minutes=1))
    Worker(tenant).run_until_idle()
    assert shown(tenant, "deal", "status", "count") == [("soon", 7), (None, 7), ("soon", 7)]


@pytest.mark.parametrize("signed", [True, False])
def test_wait_until_a_condition_holds_or_the_time_is_over(tenant: Tenant, clock: FakeClock, signed: bool) -> None:
    publish(
        tenant,
        rule(
            "r",
            step("w", "wait", until_when='status = "signed"', timeout="P2D"),
            step("s", "set_fields", values={"note": formula('IF($steps.w.timed_out, "late", "in time")')}),
        ),
    )
    (deal,) = made(tenant)
    clock.advance(timedelta(days=1))
    change = {"status": "signed"} if signed else {"status": "other"}
    write(tenant, lambda tx: tx.update("deal", [{"id": deal, **change}]))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == ["in time" if signed else None]
    clock.advance(timedelta(days=2))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == ["in time" if signed else "late"]


def test_wait_counts_working_time_by_the_calendar(tenant: Tenant, clock: FakeClock) -> None:
    week = {d: ["09:00-17:00"] for d in ("monday", "tuesday", "wednesday", "thursday", "friday")}
    calendar = {"kind": "calendar", "name": "office", "time_zone": "UTC", "hours": week}
    publish(
        tenant,
        calendar,
        rule(
            "r",
            step("w", "wait", **{"for": "PT16H"}, working_time=True, calendar="office"),
            step("s", "set_fields", values={"note": "over"}),
        ),
    )
    made(tenant)  # Monday, 9:00
    clock.advance(timedelta(days=1, hours=7, minutes=59))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == [None]
    clock.advance(timedelta(minutes=1))
    Worker(tenant).run_until_idle()
    assert values(tenant, "deal", "note") == ["over"]
