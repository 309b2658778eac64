"""Two people at the same moment: one of them is first, and the other is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from trellis.approvals import changing, deciding, submitting
from trellis.tenant import Tenant
from trellis_metadata.errors import TrellisError

from .worlds import Company, build, company_of

APPROVALS: list[dict[str, Any]] = [
    {
        "kind": "approval",
        "name": name,
        "object": "deal",
        "lock": {},
        "steps": [{"name": "one", "approvers": [{"group": "finance"}], "decide": decide}],
    }
    for name, decide in (("first", "first"), ("all", "all"))
]


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_concurrency", lambda tenant: build(tenant, APPROVALS)))


def together(company: Company, *acts: tuple[str, Callable[[Any], Any]]) -> list[str]:
    """Do several things at the same moment; return how each ended."""
    company.tenant.ids.reserve()
    start, ends = threading.Barrier(len(acts)), [""] * len(acts)

    def run(index: int, who: str, body: Callable[[Any], Any]) -> None:
        start.wait()
        try:
            company.write(who, body)
            ends[index] = "done"
        except TrellisError as problem:
            ends[index] = problem.code

    threads = [threading.Thread(target=run, args=(i, *act)) for i, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def vote(company: Company, verdict: str) -> Callable[[Any], Any]:
    return lambda tx: deciding.vote(tx, company.request, verdict)


def test_of_two_approvers_at_the_same_moment_one_decides(company: Company) -> None:
    for _ in range(4):
        company.begin("first")
        company.do("ann submit")
        ends = together(company, ("fin1", vote(company, "approve")), ("fin2", vote(company, "reject")))
        assert sorted(ends) == ["done", "request_closed"]
        assert company.state() == ("approved" if ends[0] == "done" else "rejected")
        assert sum(e.startswith("voted") for e in company.events()) == 1


def test_votes_at_the_same_moment_are_all_counted(company: Company) -> None:
    company.begin("all")
    company.do("ann submit")
    ends = together(company, *((who, vote(company, "approve")) for who in ("fin1", "fin2", "fin3")))
    assert ends == ["done"] * 3
    assert company.state() == "approved"


def test_one_person_in_two_windows_votes_once(company: Company) -> None:
    company.begin("all")
    company.do("ann submit")
    ends = together(company, ("fin1", vote(company, "approve")), ("fin1", vote(company, "approve")))
    assert sorted(ends) == ["done", "request_closed"]
    assert company.asked() == ["fin2", "fin3"]


def test_a_vote_against_a_recall(company: Company) -> None:
    for _ in range(4):
        company.begin("first")
        company.do("ann submit")
        ends = together(
            company,
            ("fin1", vote(company, "approve")),
            ("ann", lambda tx: changing.recall(tx, company.request)),
        )
        assert sorted(ends) == ["done", "request_closed"]
        assert company.state() == ("approved" if ends[0] == "done" else "recalled")
        assert not company.locked()


def test_a_record_is_submitted_once(company: Company) -> None:
    company.begin("first")
    submit = lambda tx: submitting.submit(tx, "deal", [company.record], "first")  # noqa: E731
    ends = together(company, ("ann", submit), ("adm", submit))
    assert sorted(ends) == ["done", "invalid_record"]


def test_a_change_against_a_submission_is_before_or_refused(company: Company) -> None:
    for _ in range(4):
        company.begin("first")
        record = company.record
        ends = together(
            company,
            ("ann", lambda tx, record=record: submitting.submit(tx, "deal", [record], "first")),  # type: ignore[misc]
            ("adm", lambda tx, record=record: tx.update("deal", [{"id": record, "name": "changed"}])),  # type: ignore[misc]
        )
        assert ends[0] == "done"
        assert (company.value("name") == "changed") == (ends[1] == "done")
