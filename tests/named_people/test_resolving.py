"""Whom rules name: readable questions about one company, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import ADMIN, API, counting, create, ref

from trellis.access import memberships

from .worlds import Company, build, company_of

CASES: list[tuple[str, dict[str, Any], list[str], str]] = [
    ("users by login", {"users": ["ann", "ceo"]}, ["ann", "ceo"], ""),
    ("a login that nobody has", {"users": ["nobody"]}, [], "nobody who is active has the login 'nobody'"),
    ("somebody who left", {"users": ["gone", "ann"]}, ["ann"], "nobody who is active has the login 'gone'"),
    ("a role", {"role": "boss"}, ["ceo", "director"], ""),
    ("a role without those who left", {"role": "finance"}, ["fin_east", "fin_top"], ""),
    ("a group", {"group": "committee"}, ["fin_east"], ""),
    ("a group by rule", {"group": "money"}, ["fin_east", "fin_top"], ""),
    ("a group without people", {"group": "empty"}, [], "nobody who is active is in the group 'empty'"),
    ("a role within the owner's unit or above", {"role": "finance", "within": "branches"}, ["fin_east"], ""),
    ("a role within a tree that has none", {"role": "seller", "within": "branches"}, ["ann"], ""),
    ("the owner", {"field": "owner"}, ["ann"], ""),
    ("a user field", {"field": "second"}, ["bob"], ""),
    ("a user field over a relation", {"field": "account.keeper"}, ["loner"], ""),
    ("a relation's owner", {"field": "account.owner"}, ["fin_top"], ""),
    ("who did it", {"field": "$user"}, ["bob"], ""),
    ("the manager", {"manager_of": "owner"}, ["lead"], ""),
    ("two up, passing over who left", {"manager_of": "owner", "levels": 2}, ["director"], ""),
    ("three up", {"manager_of": "owner", "levels": 3}, ["ceo"], ""),
    ("beyond the top", {"manager_of": "owner", "levels": 4}, [], "Ann has no active manager 4 up"),
    ("the manager of who did it", {"manager_of": "$user"}, ["ann"], ""),
    (
        "the manager of a related record's person",
        {"manager_of": "account.keeper"},
        [],
        "Loner has no active manager 1 up",
    ),
    ("the head of the nearest unit above", {"head_of": "branches"}, ["lead"], ""),
    ("the head of the unit one up", {"head_of": "branches", "levels": 1}, ["lead"], ""),
    ("the head of the unit two up", {"head_of": "branches", "levels": 2}, ["ceo"], ""),
    ("the head of a named unit", {"head_of": "branches.head_office"}, ["ceo"], ""),
    ("a head who left leaves it to the unit above", {"head_of": "branches.west"}, ["ceo"], ""),
    ("the head of another's unit", {"head_of": "branches", "of": "$user"}, ["ceo"], ""),
    (
        "who is in no unit",
        {"head_of": "branches", "of": "account.keeper"},
        [],
        "Loner belongs to no unit of 'branches'",
    ),
    (
        "a decision table that names a role",
        {"formula": 'LOOKUP("approvers", amount)', "as": "role"},
        ["fin_east", "fin_top"],
        "",
    ),
    ("a formula that names a login", {"formula": 'IF(amount < 10, "ceo", "ann")'}, ["ann"], ""),
    ("a formula that names a unit", {"formula": '"branches.east"', "as": "unit"}, ["lead"], ""),
    ("a formula that names a group", {"formula": '"committee"', "as": "group"}, ["fin_east"], ""),
    ("a blank formula", {"formula": 'IF(amount < 10, "ceo", NULL)'}, [], "the formula names nobody"),
    (
        "a formula that names what is not there",
        {"formula": '"bosses"', "as": "role"},
        [],
        "the formula names role 'bosses', which does not exist",
    ),
    ("a formula over the person", {"formula": "$user.login"}, ["bob"], ""),
]


@pytest.fixture
def company(open_copy: Any) -> Company:
    return company_of(open_copy("named_people", build))


def test_rules_name_people_and_say_why_nobody(company: Company) -> None:
    """All questions in one test: the company is the same, and each answer is named."""
    account = create(
        company.tenant, "account", {"name": "a", "keeper": company.person("loner"), "owner": company.person("fin_top")}
    )
    deal = company.deal(amount="50", second=company.person("bob"), account=ref(company.tenant, "account", account[0]))
    wrong = {}
    for title, rule, people, nobody in CASES:
        (named,) = company.ask([rule], [deal])
        found = [company.login(u) for u in named.users], "; ".join(t["en"] for t in named.nobody)
        if found != (people, nobody):
            wrong[title] = found
        assert all(set(t) == {"en", "zh"} and t["zh"] for t in (*named.nobody, *named.how.values())), title
    assert wrong == {}


def test_a_head_is_not_his_own_head(company: Company) -> None:
    (named,) = company.ask([{"head_of": "branches"}], [company.deal(owner="lead")])
    assert [company.login(u) for u in named.users] == ["ceo"]


def test_a_blank_person_and_a_missing_actor_are_told(company: Company) -> None:
    deal = company.deal()
    (named,) = company.ask([{"field": "second"}, {"field": "$user"}], [deal], actor=None)
    assert named.users == ()
    assert [t["en"] for t in named.nobody] == ["'second' is blank", "nobody did it: it happened by itself"]


def test_several_rules_add_up_and_each_person_is_named_once(company: Company) -> None:
    (named,) = company.ask([{"field": "owner"}, {"users": ["ann", "ceo"]}, {"role": "boss"}], [company.deal()])
    assert [company.login(u) for u in named.users] == ["ann", "ceo", "director"]
    assert named.how[company.people["ann"]]["en"] == "stands in the field 'owner'"


def test_statements_do_not_grow_with_the_records(company: Company) -> None:
    rules = [rule for _, rule, _, _ in CASES]
    deals = [company.deal(owner=o) for o in ("ann", "bob", "lead", "ann", "loner", "ceo", "fin_east", "bob")]
    with counting(company.tenant) as few:
        company.ask(rules, deals[:2])
    with counting(company.tenant) as many:
        company.ask(rules, deals)
    assert len(many) <= len(few)


def test_a_head_serves_for_a_time(company: Company) -> None:
    from datetime import date

    memberships.add(company.tenant, company.people["bob"], "unit_head", "branches.shanghai", ends_on=date(2001, 1, 1))
    (named,) = company.ask([{"head_of": "branches.shanghai"}], [company.deal()])
    assert [company.login(u) for u in named.users] == ["lead"]
    memberships.add(company.tenant, company.people["bob"], "unit_head", "branches.shanghai")
    (named,) = company.ask([{"head_of": "branches.shanghai"}], [company.deal()])
    assert [company.login(u) for u in named.users] == ["bob"]


def test_being_the_head_gives_no_access(company: Company) -> None:
    from trellis.access.people import everybody, what

    def seen() -> Any:
        with company.tenant.database.reading() as connection:
            model = company.tenant.model_in(connection)
            one = next(p for p in everybody(company.tenant, connection, model) if p.user == company.people["loner"])
            return what(company.tenant, connection, model, one)

    company.deal()
    before = seen()
    memberships.add(company.tenant, company.people["loner"], "unit_head", "branches.shanghai")
    assert seen() == before


def test_a_unit_that_is_not_there_has_no_head(company: Company) -> None:
    with pytest.raises(memberships.BadMembership):
        memberships.add(company.tenant, company.people["loner"], "unit_head", "branches.north")


def test_managers_in_a_circle_end(company: Company) -> None:
    people = company.people
    company.tenant.run(
        ADMIN,
        API,
        lambda tx: tx.update("user", [{"id": people["ceo"], "manager": ref(company.tenant, "user", people["ann"])}]),
    )
    (named,) = company.ask([{"manager_of": "owner", "levels": 9}], [company.deal()])
    assert named.users == ()
