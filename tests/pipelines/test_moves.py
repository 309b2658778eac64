"""What pipelines allow and refuse, whichever way the stage is written."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from support.kernel import ADMIN, codes, counting, create, publish, rows, write

from trellis.access.principal import SYSTEM
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

from .sample import KA, SMB, deal

CHINESE = replace(ADMIN, language="zh")


@pytest.fixture
def deals(tenant: Tenant) -> Tenant:
    publish(tenant, deal(), SMB, KA)
    return tenant


def refused(tenant: Tenant, body: Any, principal: Any = ADMIN) -> dict[str, Any]:
    with pytest.raises(RecordsInvalid) as caught:
        write(tenant, body, principal)
    found: dict[str, Any] = caught.value.errors[0]
    return found


def change(tenant: Tenant, record: int, **values: Any) -> dict[str, Any]:
    (outcome,) = write(tenant, lambda tx: tx.update("deal", [{"id": record, **values}]))
    return dict(outcome.values)


def refuse_change(tenant: Tenant, record: int, principal: Any = ADMIN, **values: Any) -> dict[str, Any]:
    return refused(tenant, lambda tx: tx.update("deal", [{"id": record, **values}]), principal)


def at(tenant: Tenant, stage: str, **values: Any) -> int:
    """Make a record and put it into a stage, as an import that keeps stamps may."""
    row = {"name": "x", **values, "stage": stage}
    (outcome,) = write(tenant, lambda tx: tx.create("deal", [row]), SYSTEM, migration=True)
    assert outcome.id is not None
    return outcome.id


def test_a_new_record_begins_in_the_initial_stage_of_the_first_pipeline_that_takes_it(deals: Tenant) -> None:
    create(deals, "deal", {"name": "a"}, {"name": "b", "kind": "key_account"})
    assert [(r["stage"], r["probability"], r["forecast"]) for r in rows(deals, "deal")] == [
        ("new", "10.00", "pipeline"),
        ("define", None, None),
    ]


def test_a_record_cannot_begin_elsewhere(deals: Tenant) -> None:
    errors = refused(deals, lambda tx: tx.create("deal", [{"name": "a", "stage": "talk"}]))
    assert codes(errors) == {"stage": ["not_initial"]}
    assert errors["stage"][0]["message"] == "Records begin in 'New', not in 'Talks'."
    errors = refused(deals, lambda tx: tx.create("deal", [{"name": "a", "stage": "talk"}]), CHINESE)
    assert errors["stage"][0]["message"] == "新记录须从 '新建' 开始，而不是“洽谈”。"


def test_a_stage_writes_its_probability_unless_the_person_does(deals: Tenant) -> None:
    (record,) = create(deals, "deal", {"name": "a"})
    assert change(deals, record, stage="talk")["probability"] == Decimal("30.5")
    found = change(deals, record, stage="new", probability="77")
    assert (found["probability"], found["forecast"]) == (Decimal(77), "pipeline")


def test_required_fields_of_a_stage_are_asked_for_all_at_once(deals: Tenant) -> None:
    record = at(deals, "new")
    errors = refuse_change(deals, record, stage="won")
    assert codes(errors) == {
        "amount": ["required_in_stage"],
        "close_date": ["required_in_stage"],
        "stage": ["may_not_enter"],
    }
    assert change(deals, record, stage="won", amount="5", close_date="2026-01-01")["stage"] == "won"


def test_what_a_stage_requires_cannot_be_removed_while_the_record_stands_there(deals: Tenant) -> None:
    record = at(deals, "offer", amount="5")
    assert codes(refuse_change(deals, record, amount=None)) == {"amount": ["required_in_stage"]}
    assert change(deals, record, stage="new", amount=None)["amount"] is None


def test_conditions_for_leaving_hold_for_going_on_and_not_for_giving_up(deals: Tenant) -> None:
    record = at(deals, "offer", amount="5", discount="25", close_date="2026-01-01", reason="price")
    errors = refuse_change(deals, record, stage="won")
    assert errors == {"stage": [{"code": "may_not_leave", "message": "The discount needs an approval"}]}
    assert refuse_change(deals, record, CHINESE, stage="won")["stage"][0]["message"] == "折扣需要审批"
    assert change(deals, record, stage="lost")["stage"] == "lost"


def test_the_condition_sees_the_values_of_the_same_write(deals: Tenant) -> None:
    record = at(deals, "offer", amount="5", discount="25", close_date="2026-01-01")
    assert change(deals, record, stage="won", discount="20")["stage"] == "won"


def test_only_listed_moves_are_allowed(deals: Tenant) -> None:
    record = at(deals, "define", kind="key_account")
    errors = refuse_change(deals, record, stage="won")
    assert errors["stage"][0] == {
        "code": "move_not_allowed",
        "message": "From 'Define' a record may go to 'Confirm', 'Lost', not to 'Won'.",
    }
    change(deals, record, stage="confirm")
    assert codes(refuse_change(deals, record, stage="define")) == {"stage": ["move_not_allowed"]}


def test_a_closed_record_is_reopened_only_where_the_stage_allows_it(deals: Tenant) -> None:
    won = at(deals, "won", amount="5", close_date="2026-01-01")
    assert codes(refuse_change(deals, won, stage="new")) == {"stage": ["move_impossible"]}
    lost = at(deals, "lost", reason="price")
    assert codes(refuse_change(deals, lost, stage="won", amount="1", close_date="2026-01-01")) == {
        "stage": ["move_not_allowed"]
    }
    assert change(deals, lost, stage="talk")["stage"] == "talk"


def test_an_inactive_stage_is_left_and_not_entered(deals: Tenant) -> None:
    used = [{**s, "active": True} if s["name"] == "old_stage" else s for s in SMB["stages"]]
    publish(deals, {**SMB, "stages": used})
    record = at(deals, "old_stage")
    publish(deals, SMB)
    assert change(deals, record, stage="new")["stage"] == "new"
    assert codes(refuse_change(deals, record, stage="old_stage")) == {"stage": ["not_allowed"]}


def test_the_stage_of_another_pipeline_is_refused_with_the_right_ones(deals: Tenant) -> None:
    record = at(deals, "new")
    error = refuse_change(deals, record, stage="define")["stage"][0]
    assert error["code"] == "stage_of_other_pipeline"
    assert "'Small business'" in error["message"] and "'New', 'Talks'" in error["message"]


def test_a_record_in_a_pipeline_cannot_lose_its_stage(deals: Tenant) -> None:
    assert codes(refuse_change(deals, at(deals, "new"), stage=None)) == {"stage": ["stage_missing"]}


def test_a_record_changes_pipeline_only_into_a_stage_that_is_there(deals: Tenant) -> None:
    record = at(deals, "new")
    error = refuse_change(deals, record, kind="key_account")["stage"][0]
    assert error["code"] == "pipeline_switched" and "'Define'" in error["message"]
    assert change(deals, record, kind="key_account", stage="define")["stage"] == "define"
    shared = at(deals, "offer", amount="5")
    assert change(deals, shared, kind="key_account")["stage"] == "offer"
    assert codes(refuse_change(deals, shared, stage="new")) == {"stage": ["stage_of_other_pipeline"]}


def test_without_a_pipeline_that_takes_it_a_record_is_refused(tenant: Tenant) -> None:
    publish(tenant, deal("ka"), KA)
    assert codes(refused(tenant, lambda tx: tx.create("deal", [{"name": "a"}]))) == {"stage": ["no_pipeline"]}


def test_the_system_obeys_as_people_do(deals: Tenant) -> None:
    record = at(deals, "new")
    assert codes(refuse_change(deals, record, SYSTEM, stage="won")) == {
        "amount": ["required_in_stage"],
        "close_date": ["required_in_stage"],
        "stage": ["may_not_enter"],
    }


def test_a_partial_batch_writes_the_good_rows(deals: Tenant) -> None:
    good, bad = at(deals, "new"), at(deals, "new")
    batch = [{"id": good, "stage": "talk"}, {"id": bad, "stage": "won"}]
    outcomes = write(deals, lambda tx: tx.update("deal", batch, mode="partial"))
    assert [o.action for o in outcomes] == ["updated", "refused"]
    assert [r["stage"] for r in rows(deals, "deal")] == ["talk", "new"]


def test_a_condition_that_cannot_be_computed_refuses(tenant: Tenant) -> None:
    stages = [{"name": "new"}, {"name": "won", "closed": "won", "enter_when": "1 / amount > 1"}]
    publish(
        tenant, deal("smb"), {"kind": "pipeline", "name": "smb", "object": "deal", "field": "stage", "stages": stages}
    )
    record = at(tenant, "new", amount="0")
    assert codes(refuse_change(tenant, record, stage="won")) == {"stage": ["gate_error"]}


def test_a_batch_needs_as_many_statements_as_one_record(deals: Tenant) -> None:
    records = [at(deals, "new", amount="5", close_date="2026-01-01") for _ in range(60)]
    with counting(deals) as one:
        write(deals, lambda tx: tx.update("deal", [{"id": records[0], "stage": "talk"}]))
    with counting(deals) as many:
        write(deals, lambda tx: tx.update("deal", [{"id": r, "stage": "talk"} for r in records[1:]]))
    assert len(many) <= len(one) + 1


def test_a_change_that_does_not_concern_the_pipeline_asks_nothing_of_it(deals: Tenant) -> None:
    record = at(deals, "new")
    with counting(deals) as seen:
        write(deals, lambda tx: tx.update("deal", [{"id": record, "name": "other"}]))
    assert not [s for s in seen if "t_stage" in s]
