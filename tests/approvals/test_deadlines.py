"""Deadlines in working time, and versions: requests in flight go on under theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from support.kernel import publish

from trellis.clock import FakeClock
from trellis.storage.tables import approvals as t
from trellis.tenant import Tenant

from .worlds import Company, build, company_of


def approval(name: str, *approvers: dict[str, Any], **deadline: Any) -> dict[str, Any]:
    step: dict[str, Any] = {"name": "one", "approvers": list(approvers) or [{"manager_of": "owner"}]}
    return {
        "kind": "approval",
        "name": name,
        "object": "deal",
        "steps": [{**step, **({"deadline": deadline} if deadline else {})}],
    }


DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "calendar",
        "name": "office",
        "label": "Office",
        "default": True,
        "time_zone": "Asia/Shanghai",
        "hours": {key: ["09:00-17:00"] for key in ("monday", "tuesday", "wednesday", "thursday", "friday")},
    },
    approval("wall", within="P2D"),
    approval("working", within="P2D", working_time=True),
    approval("hours", within="PT4H", working_time=True),
    approval("both", within="P1DT2H", working_time=True),
    approval("plain"),
]


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_deadlines", lambda tenant: build(tenant, DOCUMENTS)))


@pytest.mark.parametrize(
    ("name", "submitted", "due"),
    [
        # Friday 2026-03-06, 15:00 in Shanghai is 07:00 UTC.
        ("wall", "2026-03-06T07:00", "2026-03-08T07:00"),
        ("working", "2026-03-06T07:00", "2026-03-10T07:00"),
        ("hours", "2026-03-06T07:00", "2026-03-09T03:00"),
        ("both", "2026-03-06T07:00", "2026-03-09T09:00"),
        # Saturday: two working days later is Tuesday, at its opening or the same time of day.
        ("working", "2026-03-07T02:00", "2026-03-10T02:00"),
        ("hours", "2026-03-07T02:00", "2026-03-09T05:00"),
    ],
)
def test_a_deadline_counts_working_time_where_it_says_so(company: Company, name: str, submitted: str, due: str) -> None:
    company.clock = company.tenant.clock = FakeClock(datetime.fromisoformat(submitted).replace(tzinfo=UTC))
    company.begin(name)
    company.do("ann submit")
    query = sa.select(t.step.c.due_at).where(t.step.c.request == company.request)
    assert company.select(query)[0][0] == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_request_goes_on_under_the_version_with_which_it_began(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    old = company.request
    two = approval("plain", {"users": ["fin1"]})
    two["steps"].append({"name": "two", "approvers": [{"role": "boss"}]})
    publish(company.tenant, two)
    company.do("lead approve")
    assert company.state() == "approved", "one step, as when it was submitted"
    company.begin("plain")
    company.do("ann submit")
    assert company.asked() == ["fin1"]
    assert old != company.request


def test_a_removed_approval_is_finished(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    publish(company.tenant, removed=[("approval", "plain")])
    company.do("lead approve")
    assert company.state() == "approved"


def test_what_no_longer_fits_is_told_and_can_be_recalled(company: Company) -> None:
    document = {**approval("plain"), "when": "amount > 1"}
    publish(company.tenant, document)
    company.begin("plain", amount=5)
    company.do("ann submit")
    from .worlds import deal

    smaller = deal()
    smaller["fields"] = [f for f in smaller["fields"] if f["name"] != "amount"]
    publish(company.tenant, smaller, approval("plain"))
    company.do("lead approve => approval_gone")
    company.do("ann set note=x")
    company.do("ann recall")
    assert (company.state(), company.locked()) == ("recalled", False)
