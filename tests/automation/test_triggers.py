"""What starts automations, and what does not: every trigger and every key of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.kernel import create, person, publish, ref, table, values, write

from trellis.access import AccessDenied
from trellis.automation import hooks
from trellis.automation.hands import CannotStart, offered, start_by_hand
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.storage.tables.automation import look, run
from trellis.tenant import Tenant
from trellis.transaction import NotFound

from .sample import formula, rule, shown, step

MARK = step("m", "create", object="task", values={"subject": formula("name"), "deal": formula("id")})


def update(tenant: Tenant, record: int, **given: Any) -> None:
    write(tenant, lambda tx: tx.update("deal", [{"id": record, **given}]))


def work(tenant: Tenant) -> None:
    Worker(tenant).run_until_idle()


def test_created_updated_deleted_and_restored_start_at_their_event(tenant: Tenant) -> None:
    bare = step("m", "create", object="account", values={"name": formula("name")})
    rules = [rule(f"r_{on}", {**bare, "with": {"object": "account", "values": {"name": on}}}, on=on) for on in
             ("created", "updated", "deleted", "restored")]  # fmt: skip
    publish(tenant, *rules)
    (deal,) = create(tenant, "deal", {"name": "a"})
    update(tenant, deal, note="x")
    update(tenant, deal, note="x")  # nothing changes
    write(tenant, lambda tx: tx.delete("deal", [deal]))
    write(tenant, lambda tx: tx.restore("deal", [deal]))
    assert values(tenant, "account", "name") == ["created", "updated", "deleted", "restored"]


def test_changed_looks_at_the_field_and_at_what_it_was_and_is(tenant: Tenant) -> None:
    field = {"on": "changed", "field": "status"}
    publish(
        tenant,
        rule("any", {**MARK, "with": {"object": "task", "values": {"subject": "any"}}}, on=field),
        rule("narrow", {**MARK, "with": {"object": "task", "values": {"subject": "narrow"}}},
             on={**field, "from": ["a", None], "to": ["b"]}),
        rule("number", {**MARK, "with": {"object": "task", "values": {"subject": "number"}}},
             on={"on": "changed", "field": "amount", "to": [5]}),
    )  # fmt: skip
    (deal,) = create(tenant, "deal", {"name": "a", "status": "a"})
    update(tenant, deal, note="x")
    update(tenant, deal, status="c")
    update(tenant, deal, status="b")
    update(tenant, deal, status=None)
    update(tenant, deal, status="b")
    update(tenant, deal, amount="5.00")
    assert values(tenant, "task", "subject") == ["any", "any", "any", "any", "narrow", "number"]


def test_stages_entered_and_left(tenant: Tenant) -> None:
    def mark(name: str) -> dict[str, Any]:
        return {**MARK, "with": {"object": "task", "values": {"subject": name}}}

    publish(
        tenant,
        rule("won", mark("won"), on={"on": "stage_entered", "stages": ["won"]}),
        rule("left", mark("left"), on={"on": "stage_left", "field": "stage", "stages": ["talk"]}),
        rule("any", mark("any"), on={"on": "stage_entered", "field": "stage"}, order=200),
    )
    (deal,) = create(tenant, "deal", {"name": "a", "stage": "new"})
    update(tenant, deal, stage="talk")
    update(tenant, deal, stage="won")
    update(tenant, deal, stage="won", note="x")
    assert values(tenant, "task", "subject") == ["any", "any", "left", "won", "any"]


@pytest.mark.parametrize(
    ("trigger", "moment"),
    [
        ({}, "2026-03-09T16:00:00+00:00"),
        ({"offset": "-P2D", "at": "09:30"}, "2026-03-08T01:30:00+00:00"),
        ({"offset": "PT3H"}, "2026-03-09T19:00:00+00:00"),
        ({"offset": "-PT8H", "at": "12:00", "working_time": True, "calendar": "office"}, "2026-03-09T04:00:00+00:00"),
    ],
)
def test_date_is_due_at_its_moment(tenant: Tenant, clock: FakeClock, trigger: Any, moment: str) -> None:
    tenant.change_settings(time_zone="Asia/Shanghai")
    week = {d: ["09:00-17:00"] for d in ("monday", "tuesday", "wednesday", "thursday", "friday")}
    publish(
        tenant,
        {"kind": "calendar", "name": "office", "time_zone": "Asia/Shanghai", "hours": week},
        rule("r", MARK, on={"on": "date", "field": "close_date", **trigger}),
    )
    create(tenant, "deal", {"name": "a", "close_date": "2026-03-10"}, {"name": "never"})
    clock.set(datetime.fromisoformat(moment) - timedelta(seconds=1))
    work(tenant)
    assert values(tenant, "task", "subject") == []
    clock.advance(timedelta(seconds=1))
    work(tenant)
    work(tenant)
    assert values(tenant, "task", "subject") == ["a"]


def test_due_moments_follow_the_date_and_happen_once(tenant: Tenant, clock: FakeClock) -> None:
    publish(tenant, rule("r", MARK, on={"on": "date", "field": "start_at"}, when='status <> "off"'))
    work(tenant)
    a, b, c, d = create(tenant, "deal", *({"name": n, "start_at": "2026-03-03T09:00:00Z"} for n in "abcd"))
    update(tenant, a, start_at="2026-03-04T09:00:00Z")
    update(tenant, b, start_at=None)
    update(tenant, c, status="off")
    write(tenant, lambda tx: tx.delete("deal", [d]))
    clock.advance(timedelta(days=1))
    work(tenant)
    assert values(tenant, "task", "subject") == []
    assert [entry["rules"] for entry in table(tenant, look, record=c)] == [{"r": "condition"}]
    clock.advance(timedelta(minutes=1))
    write(tenant, lambda tx: tx.restore("deal", [d]))
    clock.advance(timedelta(days=1))
    work(tenant)
    update(tenant, a, start_at="2026-03-09T09:00:00Z")
    update(tenant, a, start_at="2026-03-04T09:00:00Z")
    work(tenant)
    assert values(tenant, "task", "subject") == ["a"]


def test_a_changed_rule_applies_to_records_that_exist(tenant: Tenant, clock: FakeClock) -> None:
    create(tenant, "deal", {"name": "a", "close_date": "2026-03-10"}, {"name": "past", "close_date": "2026-02-01"})
    publish(tenant, rule("r", MARK, on={"on": "date", "field": "close_date", "offset": "-P1D"}))
    work(tenant)
    publish(tenant, rule("r", MARK, on={"on": "date", "field": "close_date", "offset": "-P3D"}))
    work(tenant)
    clock.set(datetime.fromisoformat("2026-03-07T00:00:00+00:00"))
    work(tenant)
    assert values(tenant, "task", "subject") == ["a"]
    clock.advance(timedelta(days=10))
    work(tenant)
    assert values(tenant, "task", "subject") == ["a"]


def test_a_reminder_before_a_date_that_is_near_is_due_at_once(tenant: Tenant) -> None:
    publish(tenant, rule("r", MARK, on={"on": "date", "field": "close_date", "offset": "-P7D"}))
    create(tenant, "deal", {"name": "soon", "close_date": "2026-03-05"}, {"name": "over", "close_date": "2026-03-01"})
    work(tenant)
    assert values(tenant, "task", "subject") == ["soon"]


def test_schedule_takes_every_record_for_which_the_condition_holds(tenant: Tenant, clock: FakeClock) -> None:
    publish(
        tenant, rule("r", MARK, on={"on": "schedule", "cron": "0 9 * * *", "zone": "Asia/Shanghai"}, when="amount > 1")
    )
    create(tenant, "deal", {"name": "a", "amount": "2"}, {"name": "b", "amount": "1"}, {"name": "c", "amount": "3"})
    clock.set(datetime.fromisoformat("2026-03-03T00:59:59+00:00"))
    work(tenant)
    assert values(tenant, "task", "subject") == []
    clock.advance(timedelta(seconds=1))
    work(tenant)
    assert values(tenant, "task", "subject") == ["a", "c"]
    clock.advance(timedelta(days=3))
    work(tenant)  # what was missed is not made up for
    assert values(tenant, "task", "subject") == ["a", "c", "a", "c"]
    publish(tenant, rule("r", MARK, on={"on": "schedule", "cron": "0 9 * * *"}, active=False))
    clock.advance(timedelta(days=3))
    work(tenant)
    assert len(values(tenant, "task", "subject")) == 4


def test_schedule_without_an_object_runs_once(tenant: Tenant, clock: FakeClock) -> None:
    publish(
        tenant,
        rule(
            "r",
            step("t", "create", object="task", values={"subject": "x"}),
            on={"on": "schedule", "cron": "0 * * * *"},
            object=None,
        ),
    )
    clock.advance(timedelta(hours=1))
    work(tenant)
    assert values(tenant, "task", "subject") == ["x"]


BODY = '{"id": "m1", "mail": "a.com", "text": "hello"}'


def send(tenant: Tenant, token: str, body: str = BODY, name: str = "r", key: str | None = None) -> Any:
    return hooks.receive(tenant, name, hooks.tenant_of(token)[1], body, key)


def test_a_message_from_outside_creates_what_its_formulas_say_once_per_key(tenant: Tenant) -> None:
    body = {name: formula(f'JSONPATHVALUE($body, "$.{path}")') for name, path in (("name", "text"), ("domain", "mail"))}
    publish(
        tenant,
        rule("r", step("c", "create", object="account", values=body), object=None,
             on={"on": "webhook", "key": 'JSONPATHVALUE($body, "$.id")'}),
    )  # fmt: skip
    token = write(tenant, lambda tx: hooks.new_token(tx, "r"))
    assert send(tenant, token) == {"accepted": True}
    assert send(tenant, token) == {"accepted": False, "reason": "once"}
    work(tenant)
    assert shown(tenant, "account", "name", "domain") == [("hello", "a.com")]
    with pytest.raises(hooks.BadDelivery, match="no key"):
        send(tenant, token, "{}")


def test_a_message_finds_its_record_and_the_senders_header_tells_repetitions(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("r", step("s", "set_fields", values={"note": formula('JSONPATHVALUE($body, "$.text")')}), when='status <> "off"',
             on={"on": "webhook", "match": {"domain": formula('JSONPATHVALUE($body, "$.mail")')}}),
    )  # fmt: skip
    create(tenant, "deal", {"name": "a", "domain": "a.com"}, {"name": "b", "domain": "b.com", "status": "off"})
    token = write(tenant, lambda tx: hooks.new_token(tx, "r"))
    assert send(tenant, token, key="k") == {"accepted": True}
    assert send(tenant, token, key="k") == {"accepted": False, "reason": "once"}
    work(tenant)
    assert values(tenant, "deal", "note") == ["hello", None]
    assert send(tenant, token, BODY.replace("a.com", "b.com")) == {"accepted": False, "reason": "condition"}
    with pytest.raises(hooks.BadDelivery, match="No record"):
        send(tenant, token, BODY.replace("a.com", "zzz.com"))


def test_an_address_is_secret_and_ends_with_the_next_one(tenant: Tenant) -> None:
    publish(tenant, rule("r", MARK, on=[{"on": "webhook", "match": {"name": "a"}}, "created"]), rule("other", MARK))
    token = write(tenant, lambda tx: hooks.new_token(tx, "r"))
    new = write(tenant, lambda tx: hooks.new_token(tx, "r"))
    for wrong in (token, "acme.x", token + "x"):
        with pytest.raises(hooks.UnknownHook):
            send(tenant, wrong)
    with pytest.raises(hooks.UnknownHook):
        send(tenant, new, name="other")
    with pytest.raises(hooks.UnknownHook):
        hooks.tenant_of("nodot")
    with pytest.raises(hooks.BadDelivery):
        write(tenant, lambda tx: hooks.new_token(tx, "other"))


@pytest.mark.parametrize("on", ["button", "manual"])
def test_people_start_automations_with_their_own_rights(tenant: Tenant, on: str) -> None:
    publish(
        tenant,
        rule("r", MARK, on={"on": on, "label": {"en": "Do it", "zh": "执行"}}, when="amount > 1"),
        rule("s", MARK, on=on, **{"as": "system"}),
        rule("off", MARK, on=on, active=False),
    )
    a, b = create(tenant, "deal", {"name": "a", "amount": "2"}, {"name": "b", "amount": "1"})
    assert [o["label"] for o in offered(tenant.model(), "deal", on, "zh")] == ["执行", "S"]
    found = write(tenant, lambda tx: start_by_hand(tx, "r", on, [a, b]))
    assert ([r.state for r in found.runs.values()], found.idle) == (["done"], {b: "condition"})
    (ann,) = create(tenant, "user", {"name": "Ann", "login": "ann"})
    reader = person(tenant, ann)
    mine = write(tenant, lambda tx: start_by_hand(tx, "r", on, [a]), reader) if _reads(tenant, reader, a) else None
    if mine is not None:
        assert mine.runs[a].acts_as == "user"
    with pytest.raises(CannotStart):
        write(tenant, lambda tx: start_by_hand(tx, "off", on, [a]))
    with pytest.raises(CannotStart):
        write(tenant, lambda tx: start_by_hand(tx, "r", "button" if on == "manual" else "manual", [a]))
    with pytest.raises(NotFound):
        write(tenant, lambda tx: start_by_hand(tx, "r", on, [a, 999999]))
    with pytest.raises(CannotStart, match="1 to 200"):
        write(tenant, lambda tx: start_by_hand(tx, "r", on, []))


def _reads(tenant: Tenant, reader: Any, record: int) -> bool:
    try:
        write(tenant, lambda tx: start_by_hand(tx, "s", "button", [record]), reader)
    except (NotFound, CannotStart, AccessDenied):
        return False
    return True


def test_a_run_that_fails_is_noted_and_the_others_go_on(tenant: Tenant) -> None:
    publish(
        tenant,
        rule("r", step("s", "upsert", object="account", match={"domain": formula("domain")}, values={}), on="manual"),
    )
    ids = create(tenant, "deal", {"name": "a", "domain": "a.com"}, {"name": "blank"}, {"name": "b", "domain": "b.com"})
    found = write(tenant, lambda tx: start_by_hand(tx, "r", "manual", ids))
    assert [found.runs[i].state for i in ids] == ["done", "failed", "done"]
    assert values(tenant, "account", "domain") == ["a.com", "b.com"]
    assert [r["state"] for r in sorted(table(tenant, run), key=lambda r: r["record"])] == ["done", "failed", "done"]
    assert ref(tenant, "deal", ids[1])
