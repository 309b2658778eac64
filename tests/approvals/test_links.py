"""Links by mail: for one person, one decision, and a while; opening them decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from trellis.approvals import linked, links
from trellis.approvals.errors import CommentMissing
from trellis.storage.tables import approvals as t
from trellis.tenant import Tenant

from .worlds import Company, build, company_of

APPROVALS: list[dict[str, Any]] = [
    {
        "kind": "approval",
        "name": "plain",
        "object": "deal",
        "steps": [{"name": "one", "approvers": [{"group": "finance"}], "decide": "all", "comment": "on_reject"}],
    }
]


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_links", lambda tenant: build(tenant, APPROVALS)))


def link(company: Company, who: str) -> str:
    import sqlalchemy as sa

    c = t.seat.c
    query = sa.select(c.id).where(c.request == company.request, c.holder == company.people[who])
    seat = company.select(query)[0][0]
    with company.tenant.database.writing() as connection:
        made = links.give(connection, company.clock.now(), [(seat, company.people[who])])
    return next(iter(made.values()))


def test_a_link_decides_once_in_the_name_of_its_person(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    secret = link(company, "fin1")
    with company.tenant.database.reading() as connection:
        assert linked.open_link(company.tenant, connection, secret).person.user == company.people["fin1"]
    assert company.asked() == ["fin1", "fin2", "fin3"]
    linked.decide(company.tenant, secret, "approve", comment="from the train")
    assert company.asked() == ["fin2", "fin3"]
    with pytest.raises(linked.BadLink):
        linked.decide(company.tenant, secret, "approve")
    import sqlalchemy as sa

    c = t.seat.c
    (row,) = company.select(sa.select(c.via, c.comment, c.decided_by).where(c.state == "approved"))
    assert tuple(row) == ("mail", "from the train", company.people["fin1"])


def test_the_secret_is_not_stored(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    secret = link(company, "fin1")
    import sqlalchemy as sa

    assert all(secret not in str(row) for row in company.select(sa.select(t.link)))


def test_a_link_ends(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    late, passed, decided = (link(company, who) for who in ("fin1", "fin2", "fin3"))
    company.do("fin2 pass dep")
    company.do("fin3 approve")
    for secret in (passed, decided, "nonsense"):
        with pytest.raises(linked.BadLink):
            linked.decide(company.tenant, secret, "approve")
    company.clock.advance(timedelta(days=7))
    with pytest.raises(linked.BadLink):
        linked.decide(company.tenant, late, "approve")


def test_who_left_does_not_decide_by_an_old_link(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    secret = link(company, "fin1")
    company.do("fin1 leave")
    with pytest.raises(linked.BadLink):
        linked.decide(company.tenant, secret, "approve")


def test_a_refused_decision_leaves_the_link_good(company: Company) -> None:
    company.begin("plain")
    company.do("ann submit")
    secret = link(company, "fin1")
    with pytest.raises(CommentMissing):
        linked.decide(company.tenant, secret, "reject")
    assert linked.decide(company.tenant, secret, "reject", comment="no") == "rejected"


def test_whoever_is_told_outside_the_product_gets_a_link_of_his_own(company: Company, monkeypatch: Any) -> None:
    from trellis.approvals import telling

    sent: list[tuple[str, dict[int, str]]] = []
    wanted = {company.people["fin1"], company.people["fin2"]}
    monkeypatch.setattr(telling, "listeners", lambda tenant, connection, users: wanted)
    real = telling.notify
    monkeypatch.setattr(telling, "notify", lambda *a, **k: (sent.append((a[3], k.get("urls") or {})), real(*a, **k))[1])
    company.begin("plain")
    company.do("ann submit")
    urls = dict(sent)["approval_asked"]
    assert set(urls) == wanted
    assert len(set(urls.values())) == 2
    secret = urls[company.people["fin2"]].rpartition("/")[2]
    linked.decide(company.tenant, secret, "approve")
    assert company.asked() == ["fin1", "fin3"]
