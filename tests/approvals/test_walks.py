"""Random walks: whoever tries whatever in whatever order, no request is approved without the votes that its steps demand,
nobody votes twice in a step, and nobody about what he submitted or owns."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from trellis.storage.tables import approvals as t
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid
from trellis_metadata.errors import TrellisError

from .oracle import Referee
from .worlds import Company, build, company_of

WALKS, LENGTH = 8, 14
PEOPLE = ("ann", "bob", "lead", "boss", "fin1", "fin2", "fin3", "dep", "adm")
RULES: tuple[list[dict[str, Any]], ...] = (
    [{"group": "finance"}],
    [{"users": ["ann", "bob", "lead", "boss", "dep"]}],
    [{"manager_of": "owner"}, {"group": "finance"}],
    [{"group": "sellers"}, {"role": "boss"}],
)


def document(number: int, chance: random.Random) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for index in range(chance.randint(1, 3)):
        step: dict[str, Any] = {"name": f"s{index}"}
        if chance.random() < 0.2:
            step["queue"] = "finance"
        else:
            step["approvers"] = chance.choice(RULES)
            step["decide"] = chance.choice(["first", "all", "majority"])
        if index and chance.random() < 0.4:
            step["together"] = True
        steps.append(step)
    return {"kind": "approval", "name": f"walk_{number}", "object": "deal", "steps": steps}


DOCUMENTS = [document(n, random.Random(n)) for n in range(WALKS)]


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_walks", lambda tenant: build(tenant, DOCUMENTS)))


def seats(company: Company) -> dict[str, int]:
    """Return how many seats each step has that was opened."""
    s, c = t.step.c, t.seat.c
    query = (
        sa.select(s.name, sa.func.count())
        .join(t.seat, c.step == s.id)
        .where(s.request == company.request, s.state != "skipped")
        .group_by(s.id, s.name)
    )
    return {row[0]: row[1] for row in company.select(query)}


def votes(company: Company) -> dict[tuple[str, str], str]:
    """Return who voted what in which step, as the seats have it."""
    s, c = t.step.c, t.seat.c
    query = (
        sa.select(s.name, c.decided_by, c.state)
        .join(t.step, s.id == c.step)
        .where(c.request == company.request, c.decided_by.is_not(None))
    )
    rows = company.select(query)
    found = {(r[0], company.names([r[1]])[0]): {"approved": "approve", "rejected": "reject"}[r[2]] for r in rows}
    assert len(found) == len(rows), "somebody holds two votes of one step"
    return found


def attempt(company: Company, line: str) -> None:
    """Do a line, whether it is refused or not."""
    try:
        who, verb, *rest = line.split(" ")
        getattr(company, f"_{verb}")(who, rest[0] if rest else "", "x")
    except (RecordsInvalid, TrellisError):
        pass


@pytest.mark.parametrize("seed", range(1))
def test_no_walk_is_approved_without_the_votes_demanded(company: Company, seed: int) -> None:
    chance = random.Random(seed)
    ends = set()
    for number, doc in enumerate(DOCUMENTS):
        company.begin(doc["name"], owner="ann")
        submitter = chance.choice(["ann", "adm"])
        if chance.random() < 0.3:
            attempt(company, f"{chance.choice(['fin1', 'lead'])} away {chance.choice(['dep', 'ann', 'fin2'])}")
        company.do(f"{submitter} submit")
        referee = Referee(doc["steps"], {"ann", submitter})
        referee.open(seats(company))
        for _ in range(LENGTH):
            who, other = chance.choice(PEOPLE), chance.choice(PEOPLE)
            verb = chance.choices(
                ["approve", "reject", f"pass {other}", "take", "override", "ask"], [12, 1, 3, 2, 1, 1]
            )[0]
            before = votes(company)
            attempt(company, f"{who} {verb}")
            for (step, voter), verdict in votes(company).items():
                if (step, voter) not in before:
                    assert voter == who and verb in ("approve", "reject")
                    referee.vote(step, voter, verdict)
            referee.open(seats(company))
        state = company.state()
        assert (state == "approved") == referee.is_approved(), (number, state, referee)
        assert (state == "rejected") == (referee.state == "rejected"), (number, state, referee)
        ends.add(state)
        company.tidy()
    assert "approved" in ends
