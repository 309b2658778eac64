"""What is done when a request is submitted, approved, rejected and recalled; and automations that submit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.kernel import create, table

from trellis.approvals import deciding
from trellis.automation.performing import StepsFailed
from trellis.storage.tables import approvals as t
from trellis.tenant import Tenant

from .worlds import Company, build, company_of


def sets(note: str) -> list[dict[str, Any]]:
    return [{"name": "note_it", "action": "set_fields", "with": {"values": {"note": note}}}]


APPROVALS: list[dict[str, Any]] = [
    {
        "kind": "approval",
        "name": "acting",
        "object": "deal",
        "lock": {},
        "on_change": {"fields": ["note"], "then": "restart"},
        "steps": [{"name": "one", "approvers": [{"manager_of": "owner"}], "may": ["send_back"]}],
        "on_submit": sets("submitted"),
        "on_approve": sets("approved"),
        "on_reject": sets("rejected"),
        "on_recall": sets("recalled"),
    },
    {
        "kind": "approval",
        "name": "impossible",
        "object": "deal",
        "steps": [{"name": "one", "approvers": [{"manager_of": "owner"}]}],
        "on_approve": [{"name": "n", "action": "set_fields", "with": {"values": {"amount": {"formula": "1 / 0"}}}}],
    },
    {
        "kind": "approval",
        "name": "auto",
        "object": "deal",
        "when": "amount > 1000",
        "steps": [{"name": "one", "approvers": [{"manager_of": "owner"}]}],
    },
    {
        "kind": "automation",
        "name": "submit_large",
        "object": "deal",
        "triggers": [{"on": "created"}],
        "steps": [{"name": "go", "action": "start_approval", "with": {"approval": "auto", "comment": "by itself"}}],
        "when": 'name = "auto"',
    },
]
APPROVALS[0]["on_change"] = {"fields": ["note"], "then": "restart"}
APPROVALS[0]["lock"] = {"open": ["note"]}


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_actions", lambda tenant: build(tenant, APPROVALS)))


def test_each_end_does_what_it_says(company: Company) -> None:
    for line, note in (("lead approve", "approved"), ("lead reject", "rejected"), ("ann recall", "recalled")):
        company.begin("acting")
        company.do("ann submit")
        assert company.value("note") == "submitted"
        assert company.events() == ["submitted", "asked"], "what the request writes itself is no change of the record"
        company.do(line)
        assert company.value("note") == note


def test_submitting_anew_does_it_anew(company: Company) -> None:
    company.begin("acting")
    for line in ("ann submit", "lead send_back: x", "ann set note=other", "ann resubmit"):
        company.do(line)
    assert company.value("note") == "submitted"


def test_what_cannot_be_done_refuses_the_decision(company: Company) -> None:
    company.begin("impossible")
    company.do("ann submit")
    with pytest.raises(StepsFailed):
        company.write("lead", lambda tx: deciding.vote(tx, company.request, "approve"))
    assert (company.state(), company.asked()) == ("pending", ["lead"])


def test_an_automation_submits_what_needs_it(company: Company) -> None:
    from support.kernel import ref

    owner = ref(company.tenant, "user", company.people["ann"])
    large, small, other = create(
        company.tenant,
        "deal",
        {"name": "auto", "amount": 5000, "owner": owner},
        {"name": "auto", "amount": 5, "owner": owner},
        {"name": "x", "amount": 5000, "owner": owner},
    )
    found = {r["record"]: (r["approval"], r["comment"]) for r in table(company.tenant, t.request)}
    assert found == {large: ("auto", "by itself")}
    assert small not in found and other not in found
