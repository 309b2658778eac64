"""Stage history, checklists, clocks and versions of pipelines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.kernel import ADMIN, codes, counting, create, publish, ref, table, undo, write

from trellis.access import memberships
from trellis.access.accounts import create_user
from trellis.clock import FakeClock
from trellis.jobs import Worker
from trellis.pipelines.checklist import UnknownActivity, tick
from trellis.pipelines.path import history_of, paths_of
from trellis.pipelines.stuck import stuck_records
from trellis.rules.reader import Onlooker
from trellis.storage import system
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid
from trellis.transaction.statements import statements_of

from .sample import KA, SMB, deal


@pytest.fixture
def deals(tenant: Tenant) -> Tenant:
    publish(tenant, deal(), SMB, KA)
    return tenant


def move(tenant: Tenant, *records: int, **values: Any) -> None:
    write(tenant, lambda tx: tx.update("deal", [{"id": r, **values} for r in records]))


def history(tenant: Tenant, record: int) -> list[dict[str, Any]]:
    with tenant.database.reading() as c:
        model = tenant.model_in(c)
        reader = Onlooker(tenant, c, model, ADMIN, tenant.clock.now())
        return history_of(reader, model.object("deal"), record, "stage")


def path(tenant: Tenant, record: int) -> dict[str, Any]:
    with tenant.database.reading() as c:
        model = tenant.model_in(c)
        stored = statements_of(model.object("deal")).fetch(c, [record])[record]
        (found,) = paths_of(Onlooker(tenant, c, model, ADMIN, tenant.clock.now()), model.object("deal"), stored)
        return found


def test_every_stay_has_its_entry_exit_and_duration(deals: Tenant, clock: FakeClock) -> None:
    (record,) = create(deals, "deal", {"name": "a"})
    clock.advance(timedelta(hours=2))
    move(deals, record, stage="talk")
    clock.advance(timedelta(days=3))
    found = history(deals, record)
    assert [(h["stage"], h["from"], h["to"], h["seconds"], h["left_at"] is None) for h in found] == [
        ("new", None, "talk", 7200, False),
        ("talk", "new", None, 3 * 86400, True),
    ]
    assert found[1]["cause"] == {"kind": "api"}
    facts = table(deals, system.fact, kind="stage_moved")
    assert [f["data"] for f in facts][1] == {
        "field": "stage",
        "pipeline": "smb",
        "from": "new",
        "to": "talk",
        "seconds": 7200,
    }


def test_a_refused_move_leaves_nothing(deals: Tenant) -> None:
    (record,) = create(deals, "deal", {"name": "a"})
    with pytest.raises(RecordsInvalid):
        move(deals, record, stage="won")
    assert [h["stage"] for h in history(deals, record)] == ["new"]


def test_a_record_older_than_its_pipeline_gets_its_history_from_now_on(tenant: Tenant) -> None:
    options = [{"name": "new"}, {"name": "talk"}]
    plain = deal()
    plain["fields"][-1] = {"name": "stage", "type": "stage", "options": options}
    publish(tenant, plain)
    (record,) = create(tenant, "deal", {"name": "a", "stage": "talk"})
    publish(tenant, deal(), SMB, KA)
    assert path(tenant, record)["stage"] == "talk" and path(tenant, record)["entered_at"] is None
    move(tenant, record, stage="new")
    assert [(h["stage"], h["from"]) for h in history(tenant, record)] == [("new", "talk")]


def test_blocking_activities_are_done_before_a_record_goes_on(deals: Tenant) -> None:
    (record,) = create(deals, "deal", {"name": "a", "amount": "5", "reason": "r"})
    move(deals, record, stage="talk")
    with pytest.raises(RecordsInvalid) as caught:
        move(deals, record, stage="offer")
    assert caught.value.errors[0] == {
        "stage": [
            {"code": "activity_open", "message": "To be done before the record leaves 'Talks': Call the customer."}
        ]
    }
    move(deals, record, stage="new")  # back is always open
    move(deals, record, stage="talk")
    assert write(deals, lambda tx: tick(tx, "deal", record, "stage", "call", is_done=True)) is True
    assert write(deals, lambda tx: tick(tx, "deal", record, "stage", "call", is_done=True)) is False
    done = next(a for s in path(deals, record)["stages"] for a in s["activities"] if a["name"] == "call")
    assert done["done"] and done["done_at"] == deals.clock.now()
    write(deals, lambda tx: tick(tx, "deal", record, "stage", "call", is_done=False))
    with pytest.raises(RecordsInvalid):
        move(deals, record, stage="offer")
    write(deals, lambda tx: tick(tx, "deal", record, "stage", "call", is_done=True))
    move(deals, record, stage="offer")
    with pytest.raises(UnknownActivity, match="no key activity 'call'"):
        write(deals, lambda tx: tick(tx, "deal", record, "stage", "call", is_done=True))


def test_the_path_says_where_a_record_may_go_and_what_is_missing(deals: Tenant) -> None:
    (record,) = create(deals, "deal", {"name": "a"})
    found = path(deals, record)
    assert found["pipeline"] == {"name": "smb", "label": "Small business", "current_version": True}
    shown = {s["name"]: (s["state"], s["may_enter"], s["missing"]) for s in found["stages"]}
    assert shown == {
        "new": ("current", False, []),
        "talk": ("open", True, []),
        "offer": ("open", True, ["amount"]),
        "won": ("off", True, ["amount", "close_date"]),
        "lost": ("off", True, ["reason"]),
    }
    talk = found["stages"][1]
    assert (talk["goal"], talk["tools"][0]["url"]) == ("An agreed need", "https://example.com/guide.pdf")


def test_a_record_that_stays_too_long_is_stuck_once(deals: Tenant, clock: FakeClock) -> None:
    left, stays = create(deals, "deal", {"name": "a"}, {"name": "b"})
    move(deals, left, stays, stage="talk")
    clock.advance(timedelta(days=13))
    move(deals, left, stage="new")
    worker = Worker(deals)
    worker.run_until_idle()
    assert not path(deals, stays)["stuck"]
    clock.advance(timedelta(days=1))
    worker.run_until_idle()
    with deals.database.reading() as c:
        assert stuck_records(c, "deal", "stage") == [stays]
    assert path(deals, stays)["stuck"] and not path(deals, left)["stuck"]
    assert len(table(deals, system.fact, kind="stuck")) == 1
    move(deals, stays, stage="new")
    with deals.database.reading() as c:
        assert stuck_records(c, "deal", "stage") == []


def test_stuck_limits_in_working_time_go_by_the_calendar_of_the_owner(deals: Tenant, clock: FakeClock) -> None:
    week = {"monday": ["09:00-17:00"], "tuesday": ["09:00-17:00"]}
    office = {"kind": "calendar", "name": "office", "time_zone": "UTC", "hours": week, "default": True}
    nights = {"kind": "calendar", "name": "nights", "time_zone": "UTC", "hours": {"friday": ["20:00-23:00"]}}
    stages = [{**s, "stuck_counts": "working_time"} if s["name"] == "talk" else s for s in SMB["stages"]]
    stages = [{**s, "stuck_after": "P3DT2H"} if s["name"] == "talk" else s for s in stages]
    publish(deals, office, nights, {**SMB, "stages": stages})
    people = [create_user(deals, login=n, name=n) for n in ("ada", "bob")]
    memberships.add(deals, people[1], "calendar", "nights")
    clock.set(datetime(2026, 3, 2, 16, 0, tzinfo=UTC))  # a Monday
    rows = [
        {"name": n, **({"owner": ref(deals, "user", o)} if o else {})}
        for n, o in (("a", people[0]), ("b", people[1]), ("c", None))
    ]
    records = create(deals, "deal", *rows)
    with counting(deals) as statements:
        move(deals, *records, stage="talk")
    assert len([s for s in statements if "FROM t_member" in s]) == 1
    due = {r["payload"]["record"]: r["due_at"] for r in table(deals, system.outbox) if r["topic"] == "stage_stuck"}
    # Three working days after Monday: Tuesday, Monday, Tuesday the 10th, 16:00; two hours more: Monday the 16th, 10:00.
    office_due = datetime(2026, 3, 16, 10, 0, tzinfo=UTC)
    # Three Fridays: 6, 13, 20 March; at 16:00 closed, so from 20:00 two hours.
    assert due == {records[0]: office_due, records[1]: datetime(2026, 3, 20, 22, 0, tzinfo=UTC), records[2]: office_due}


@pytest.mark.parametrize("in_flight", ["current", "finish"])
def test_records_on_their_way_follow_the_version_that_the_pipeline_says(tenant: Tenant, in_flight: str) -> None:
    strict = {**SMB, "in_flight": in_flight}
    loose = {**strict, "stages": [{**s, "requires": []} if s["name"] == "offer" else s for s in SMB["stages"]]}
    publish(tenant, deal(), loose, KA)
    (old,) = create(tenant, "deal", {"name": "old"})
    publish(tenant, strict)
    (new,) = create(tenant, "deal", {"name": "new"})
    with pytest.raises(RecordsInvalid) as caught:
        move(tenant, new, stage="offer")
    assert codes(caught.value.errors[0]) == {"amount": ["required_in_stage"]}
    assert path(tenant, old)["pipeline"]["current_version"] is (in_flight == "current")
    if in_flight == "current":
        with pytest.raises(RecordsInvalid):
            move(tenant, old, stage="offer")
    else:
        move(tenant, old, stage="offer")
        assert history(tenant, old)[-1]["stage"] == "offer"


def test_undo_of_a_pipeline_brings_the_old_rules_back(deals: Tenant) -> None:
    free = {**SMB, "stages": [{k: v for k, v in s.items() if k != "requires"} for s in SMB["stages"]]}
    publish(deals, free)
    (record,) = create(deals, "deal", {"name": "a"})
    move(deals, record, stage="offer")
    move(deals, record, stage="new")
    undo(deals)
    with pytest.raises(RecordsInvalid):
        move(deals, record, stage="offer")


def test_deleted_and_restored_records_stand_where_they_stood(deals: Tenant) -> None:
    (record,) = create(deals, "deal", {"name": "a"})
    move(deals, record, stage="talk")
    write(deals, lambda tx: tx.delete("deal", [record]))
    write(deals, lambda tx: tx.restore("deal", [record]))
    assert path(deals, record)["stage"] == "talk"
    assert [h["stage"] for h in history(deals, record)] == ["new", "talk"]
