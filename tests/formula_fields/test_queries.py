"""Formula fields and formulas in filters, orders, groups and aggregates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.kernel import counting, create, field, obj, page, person, publish, ref, values

from trellis.query import InvalidQuery
from trellis.tenant import Tenant


def names(tenant: Tenant, **query: Any) -> list[str]:
    return [r["name"] for r in page(tenant, "deal", **{"fields": ["name"], "sort": ["id"], **query}).rows]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"field": "margin", "op": ">=", "value": "40"}, ["alpha", "gamma"]),
        ({"field": "margin", "op": "between", "value": ["10", "40"]}, ["alpha", "Beta"]),
        ({"field": "margin", "op": "is_blank"}, ["delta"]),
        ({"field": "margin", "op": "in", "value": ["10.00", "100"]}, ["Beta", "gamma"]),
        ({"field": "good", "op": "=", "value": False}, ["Beta", "delta"]),
        ({"field": "ratio.error", "op": "=", "value": True}, ["gamma", "delta"]),
        ({"not": {"field": "ratio", "op": ">", "value": "1"}}, ["gamma", "delta"]),
        ({"field": "title", "op": "contains", "value": "oslo"}, ["alpha", "gamma"]),
        ({"field": "title", "op": "starts_with", "value": "beta"}, ["Beta"]),
        ({"field": "due", "op": "=", "value": "2026-12-07"}, ["alpha"]),
        ({"field": "due", "op": "=", "value": "THIS_MONTH"}, ["Beta"]),
        ({"field": "called_until", "op": "<", "value": "2026-11-21T08:15:00.000001Z"}, ["alpha"]),
        ({"field": "called_at", "op": "=", "value": "20:15:00"}, ["alpha"]),
        ({"field": "account.doubled", "op": ">", "value": "2"}, ["alpha", "gamma"]),
        ({"formula": "margin > 0.3"}, ["alpha", "gamma"]),
        ("margin > 0.3 && NOT(ISBLANK(closes))", ["alpha"]),
        ({"not": {"formula": "amount / cost > 1.5"}}, ["Beta", "gamma", "delta"]),
        ({"and": [{"formula": "closes > TODAY()"}, {"field": "name", "op": "!=", "value": "x"}]}, ["alpha"]),
        ('account.region.name = "south"', ["Beta"]),
        ('account.address.city = "Oslo" || amount.currency = "USD"', ["alpha", "Beta", "gamma"]),
        ("ISBLANK(account) || stage IN ('won')", ["alpha", "delta"]),
    ],
    ids=str,
)
def test_filter_selects(sales: Tenant, filter: Any, expected: list[str]) -> None:
    assert names(sales, filter=filter) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (["margin"], ["Beta", "alpha", "gamma", "delta"]),
        (["-margin"], ["gamma", "alpha", "Beta", "delta"]),
        (["title"], ["alpha", "Beta", "delta", "gamma"]),
        (["-account.doubled", "name"], ["alpha", "gamma", "Beta", "delta"]),
        (["good", "-net"], ["Beta", "delta", "alpha", "gamma"]),
    ],
    ids=str,
)
def test_order_and_cursor_follow_a_formula(sales: Tenant, sort: list[str], expected: list[str]) -> None:
    assert names(sales, sort=sort) == expected
    walked, cursor = [], None
    for _ in expected:
        found = page(sales, "deal", fields=["name"], sort=sort, limit=1, cursor=cursor)
        walked.append(found.rows[0]["name"])
        cursor = found.cursor
    assert walked == expected and cursor is None


def test_pages_of_an_order_by_the_clock_keep_the_moment_of_the_first(sales: Tenant) -> None:
    publish(
        sales,
        obj("task", field("name"), field("at", "datetime"), field("k", "number"), _turning()),
    )
    create(sales, "task", *({"name": n, "k": k} for n, k in (("a", "1"), ("b", "2"), ("c", "3"))))
    first = page(sales, "task", fields=["name"], sort=["turning"], limit=1)
    sales.clock.advance(timedelta(days=1))
    rest = page(sales, "task", fields=["name"], sort=["turning"], cursor=first.cursor)
    assert [r["name"] for r in (*first.rows, *rest.rows)] == ["a", "b", "c"]
    assert [r["name"] for r in page(sales, "task", fields=["name"], sort=["turning"]).rows] == ["c", "b", "a"]


def _turning() -> dict[str, Any]:
    text = "IF(MOD(DAY(TODAY()), 2) = 0, k, 0 - k)"
    return field("turning", "formula", returns="number", formula=text)


def test_groups_and_aggregates_are_exact(sales: Tenant) -> None:
    asked = [
        {"function": "count"},
        {"function": "sum", "field": "margin"},
        {"function": "avg", "field": "net"},
        {"function": "min", "field": "title"},
        {"function": "max", "field": "due"},
        {"function": "count", "field": "ratio"},
    ]
    found = page(sales, "deal", group_by=["good"], aggregates=asked).rows
    assert found == [
        {
            "good": False,
            "count": 2,
            "sum(margin)": "10.00",
            "avg(net)": "150.00",
            "min(title)": "BETA/south/",
            "max(due)": "2026-11-08",
            "count(ratio)": 1,
        },
        {
            "good": True,
            "count": 2,
            "sum(margin)": "140.00",
            "avg(net)": "135.00",
            "min(title)": "ALPHA/north/Oslo",
            "max(due)": "2026-12-07",
            "count(ratio)": 1,
        },
    ]
    by_month = page(sales, "deal", group_by=["due:month"], filter={"field": "due", "op": "is_not_blank"}).rows
    assert by_month == [{"due:month": "2026-11-01", "count": 1}, {"due:month": "2026-12-01", "count": 1}]


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ({"filter": {"field": "simple_name", "op": "=", "value": True}}, "filter.field"),
        ({"sort": ["simple_name"]}, "sort.0"),
        ({"group_by": ["simple_name"]}, "group_by.0"),
        ({"aggregates": [{"function": "count", "field": "simple_name"}]}, "aggregates.0"),
        ({"filter": 'REGEX(name, "[a-z]+")'}, "filter.formula"),
    ],
    ids=str,
)
def test_what_has_no_exact_sql_is_refused_by_name(sales: Tenant, query: dict[str, Any], at: str) -> None:
    if sales.database.is_sqlite:
        page(sales, "deal", **query)
        return
    with pytest.raises(InvalidQuery) as refused:
        page(sales, "deal", **query)
    (problem,) = refused.value.problems
    assert problem["at"] == at
    assert problem["message"].endswith("REGEX has no exact SQL on PostgreSQL.")


@pytest.mark.parametrize(
    ("text", "code", "start"),
    [
        ("amuont > 3", "unknown_name", 0),
        ("amount + 3", "result_type", 0),
        ("amount > ", "syntax", 9),
        ("amount > name", "operand_type", 7),
        ("ISNEW()", "not_in_field", 0),
    ],
)
def test_errors_of_a_filter_text_point_at_the_character(sales: Tenant, text: str, code: str, start: int) -> None:
    with pytest.raises(InvalidQuery) as refused:
        page(sales, "deal", filter=text)
    (problem,) = refused.value.problems
    assert (problem["at"], problem["code"], problem["start"]) == ("filter.formula", code, start)


def test_time_goes_on_in_a_kept_statement(sales: Tenant) -> None:
    assert values(sales, "deal", "days")[0] == "8"
    assert names(sales, filter="closes > TODAY()") == ["alpha"]
    sales.clock.advance(timedelta(days=8))
    assert values(sales, "deal", "days")[0] == "0"
    assert names(sales, filter="closes > TODAY()") == []


def test_days_are_those_of_the_organisation(sales: Tenant) -> None:
    sales.change_settings(time_zone="Asia/Tokyo")
    sales.clock.advance(timedelta(hours=8))  # 16:00 UTC is the next day in Tokyo
    assert values(sales, "deal", "days")[0] == "7"


def test_one_statement_answers_however_many_formulas_and_records(sales: Tenant) -> None:
    with sales.database.reading() as connection:
        model = sales.model_in(connection)
    assert model is not None
    page(sales, "deal", sort=["margin"], filter={"formula": "far > 0"})
    with counting(sales) as seen:
        page(sales, "deal", sort=["margin"], filter={"formula": "far > 0"})
    assert len([s for s in seen if s.startswith("SELECT") and "o_deal" in s]) == 1


def test_asker_is_a_parameter_of_a_kept_statement(sales: Tenant) -> None:
    users = create(sales, "user", {"name": "Ada", "login": "ada"}, {"name": "Bo", "login": "bo"})
    for user, name in zip(users, ("Ada", "Bo"), strict=True):
        asker = person(sales, user, name)
        found = page(sales, "deal", asker, fields=["asker"], filter=f'$user.name = "{name}"').rows
        assert {r["asker"] for r in found} == {name}


def test_nobody_reads_through_a_formula_what_he_may_not_read(sales: Tenant) -> None:
    (user,) = create(sales, "user", {"name": "Eve", "login": "eve"})
    eve = person(sales, user, "Eve")
    found = page(sales, "deal", eve, fields=["far", "title", "account.name"], sort=["id"]).rows
    assert found[0] | {"id": ""} == {"id": "", "version": 1, "far": "1.0", "title": "ALPHA//", "account.name": None}
    assert page(sales, "deal", eve, filter='account.name = "acme"').rows == []
    assert page(sales, "deal", eve, filter={"field": "far", "op": "=", "value": "4"}).rows == []
    assert len(page(sales, "deal", eve, filter="ISBLANK(account.name)", fields=["name"]).rows) == 4
    groups = page(sales, "deal", eve, group_by=["far"]).rows
    assert groups == [{"far": "1.0", "count": 4}]


def test_aggregate_over_children_in_a_formula_is_shown_to_those_who_see_its_field(sales: Tenant) -> None:
    order = obj("order", field("name"), _total(), sharing={"default": "read"})
    line = obj("line", field("amount", "number"), field("order", "lookup", target="order", relationship="lines"))
    publish(sales, order, line)
    (made,) = create(sales, "order", {"name": "o"})
    create(sales, "line", {"amount": "2", "order": ref(sales, "order", made)})
    (user,) = create(sales, "user", {"name": "Eve", "login": "eve"})
    assert page(sales, "order", person(sales, user), fields=["total"]).rows[0]["total"] == "4.00"


def _total() -> dict[str, Any]:
    return field("total", "formula", returns="number", formula="SUM(lines.amount) * 2")
