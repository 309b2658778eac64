"""Stages that wait for an approval: nothing enters without it, and what was approved moves on by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.kernel import ADMIN, API, codes, create, rows

from trellis.record_id import parse_id
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

from .worlds import Company, build, company_of

APPROVALS: list[dict[str, Any]] = [
    {
        "kind": "approval",
        "name": "margin",
        "label": {"en": "Margin", "zh": "毛利"},
        "object": "deal",
        "when": "amount > 100",
        "lock": {"open": ["note"]},
        "steps": [{"name": "one", "approvers": [{"manager_of": "owner"}]}],
    },
    {
        "kind": "pipeline",
        "name": "sale",
        "object": "deal",
        "field": "stage",
        "stages": [
            {"name": "new"},
            {"name": "offer"},
            {
                "name": "won",
                "label": {"en": "Won", "zh": "赢单"},
                "closed": "won",
                "approval": "margin",
                "requires": ["note"],
            },
            {"name": "lost", "closed": "lost", "reopen": True},
        ],
    },
]


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_gates", lambda tenant: build(tenant, APPROVALS)))


def test_a_record_that_needs_it_does_not_enter_without(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    company.do("ann move won => approval_needed")
    company.do("adm move won => approval_needed")
    with pytest.raises(RecordsInvalid) as caught:
        company._move("ann", "won", None)
    assert caught.value.errors[0]["stage"][0]["message"] == (  # type: ignore[index]
        "Stage 'Won' needs the approval 'Margin'. Submit the record for approval; it moves on once approved."
    )


def test_a_record_that_does_not_need_it_enters(company: Company) -> None:
    company.begin("margin", amount=50, note="n")
    company.do("ann move won")
    assert company.value("stage") == "won"


def test_a_change_in_the_same_write_counts(company: Company) -> None:
    company.begin("margin", amount=50, note="n")
    with pytest.raises(RecordsInvalid) as caught:
        company.write("ann", lambda tx: tx.update("deal", [{"id": company.record, "amount": 900, "stage": "won"}]))
    assert codes(caught.value.errors[0]) == {"stage": ["approval_needed"]}


def test_the_record_moves_on_once_it_is_approved(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    company.do("ann submit won")
    company.do("ann move won => locked")
    company.do("lead approve")
    assert (company.state(), company.value("stage"), company.locked()) == ("approved", "won", False)
    change = [c for c in rows_of_history(company) if "stage" in (c["values"] or {})][-1]
    assert change["actor"] == company.people["ann"]
    assert change["cause"]["kind"] == "approval"


def rows_of_history(company: Company) -> list[dict[str, Any]]:
    from support.kernel import changes

    return changes(company.tenant, record=company.record)


def test_while_it_is_decided_others_wait(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    company.do("ann submit")
    with pytest.raises(RecordsInvalid) as caught:
        company._move("ann", "won", None)
    assert "locked" in codes(caught.value.errors[0])["stage"]


def test_a_rejected_record_stays_where_it_is(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    company.do("ann submit won")
    company.do("lead reject")
    assert company.value("stage") == "new"
    company.do("ann move won => approval_needed")


def test_an_approval_is_used_once(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    for line in ("ann submit", "lead approve", "ann move won"):
        company.do(line)
    assert company.value("stage") == "won"
    company.begin("margin", amount=500, note="n")
    for line in ("ann submit won", "lead approve"):
        company.do(line)
    company.tenant.run(ADMIN, API, lambda tx: tx.update("deal", [{"id": company.record, "note": "kept"}]))
    assert company.value("stage") == "won"


def test_what_was_approved_must_not_change_before_it_is_used(company: Company) -> None:
    company.begin("margin", amount=500, note="n")
    for line in ("ann submit", "lead approve", "ann set amount=900", "ann move won => approval_needed"):
        company.do(line)
    company.begin("margin", amount=500, note="n")
    for line in ("ann submit", "lead approve", "ann set name=other", "ann move won"):
        company.do(line)


def test_where_the_stage_asks_for_more_the_submitter_is_told(company: Company) -> None:
    company.begin("margin", amount=500)
    for line in ("ann submit won", "lead approve"):
        company.do(line)
    assert (company.state(), company.value("stage")) == ("approved", "new")
    assert company.events()[-1] == "not_moved"
    assert company.told("ann") == ["approved", "not_moved"]
    company.do("ann set note=x")
    company.do("ann move won")


def test_bulk_and_import_are_guarded_as_well(company: Company) -> None:
    ids = create(
        company.tenant, "deal", *({"name": f"d{i}", "amount": a, "note": "n"} for i, a in enumerate((50, 500)))
    )
    outcomes = company.tenant.run(
        ADMIN,
        API,
        lambda tx: tx.update("deal", [{"id": i, "stage": "won"} for i in ids], mode="partial", from_text=True),
    )
    assert [o.action for o in outcomes] == ["updated", "refused"]
    stages = {parse_id(r["id"], ["deal"])[1]: r["stage"] for r in rows(company.tenant, "deal", fields=["id", "stage"])}
    assert [stages[i] for i in ids] == ["won", "new"]


def test_many_records_are_submitted_and_decided_in_a_fixed_number_of_statements(company: Company) -> None:
    from support.kernel import counting

    from trellis.approvals import deciding, submitting

    def cost(count: int) -> tuple[int, int]:
        ids = create(
            company.tenant,
            "deal",
            *({"name": "d", "amount": 500, "owner": owner(company, "ann")} for _ in range(count)),
        )
        with counting(company.tenant) as submitted:
            numbers = company.write("ann", lambda tx: submitting.submit(tx, "deal", ids, "margin"))
        with counting(company.tenant) as decided:
            found = company.write("lead", lambda tx: deciding.vote_many(tx, numbers, "approve"))
        assert [v.state for v in found] == ["approved"] * count
        return len(submitted), len(decided)

    cost(1)
    one, many = cost(2), cost(12)
    assert many[0] - one[0] <= 60 and many[1] - one[1] <= 60


def owner(company: Company, name: str) -> str:
    from support.kernel import ref

    return ref(company.tenant, "user", company.people[name])
