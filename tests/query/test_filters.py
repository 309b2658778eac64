"""Every operator of every category against the oracle; relative dates at the ends of months, quarters and years."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from query.data import TEXTS, row
from query.oracle import matches
from support.kernel import create, field, obj, person, publish, ref, rows

from trellis.clock import FakeClock
from trellis.query import InvalidQuery
from trellis.relative_dates import range_of
from trellis.tenant import Tenant
from trellis_metadata.filters import OPERATORS

CATEGORY = {
    "t": "text",
    "n": "number",
    "i": "number",
    "b": "boolean",
    "d": "date",
    "at": "datetime",
    "c": "choice",
    "m": "choices",
    "who": "reference",
    "money": "number",
}
FIELDS = [*CATEGORY, "k"]


def condition(rng: random.Random, name: str, op: str, contacts: list[str]) -> dict[str, Any]:
    """A condition with a value as rows have them."""

    def one() -> Any:
        while True:
            value = row(rng, contacts)[name]
            if value not in (None, "", []):
                return value

    if op in ("is_blank", "is_not_blank"):
        return {"field": name, "op": op}
    if op in ("includes_any", "includes_all", "excludes"):
        return {"field": name, "op": op, "value": one()}
    if op in ("in", "not_in"):
        return {"field": name, "op": op, "value": [one() for _ in range(rng.randint(0, 3))]}
    if op == "between":
        return {"field": name, "op": op, "value": [one(), one()]}
    if op in ("contains", "not_contains", "starts_with", "ends_with"):
        return {"field": name, "op": op, "value": rng.choice([t for t in TEXTS if t] + ["%", "_", "B", "/"])}
    return {"field": name, "op": op, "value": one()}


def test_every_operator_selects_what_the_oracle_selects(shop: Tenant) -> None:
    rng = random.Random(3)
    stored = rows(shop, "item", fields=FIELDS)
    contacts = sorted({r["who"] for r in stored if r["who"]})
    trees = [
        condition(rng, name, op, contacts)
        for name, category in CATEGORY.items()
        for op in OPERATORS[category]
        for _ in range(3)
    ]
    for _ in range(60):
        a, b, c = rng.sample(trees, 3)
        trees.append(
            rng.choice(
                [
                    {"and": [a, b]},
                    {"or": [a, b]},
                    {"not": a},
                    {"not": {"and": [a, {"not": b}]}},
                    {"or": [{"and": [a, b]}, {"not": {"or": [b, c]}}]},
                ]
            )
        )
    wrong = []
    for tree in trees:
        found = [r["k"] for r in rows(shop, "item", fields=["k"], filter=tree)]
        expected = [r["k"] for r in stored if matches(r, tree)]
        if found != expected:
            wrong.append((tree, sorted(set(found) ^ set(expected))))
    assert wrong == []


TODAYS = {
    # Worked by hand from a calendar: first and last day of the range.
    ("2024-02-29", "THIS_MONTH"): ("2024-02-01", "2024-02-29"),
    ("2024-03-31", "LAST_MONTH"): ("2024-02-01", "2024-02-29"),
    ("2024-01-31", "NEXT_MONTH"): ("2024-02-01", "2024-02-29"),
    ("2024-12-31", "NEXT_QUARTER"): ("2025-01-01", "2025-03-31"),
    ("2024-01-01", "LAST_QUARTER"): ("2023-10-01", "2023-12-31"),
    ("2024-12-31", "THIS_YEAR"): ("2024-01-01", "2024-12-31"),
    ("2024-01-01", "LAST_YEAR"): ("2023-01-01", "2023-12-31"),
    ("2024-01-01", "YESTERDAY"): ("2023-12-31", "2023-12-31"),
    ("2024-02-28", "TOMORROW"): ("2024-02-29", "2024-02-29"),
    ("2023-12-31", "THIS_WEEK"): ("2023-12-25", "2023-12-31"),
    ("2024-01-01", "LAST_WEEK"): ("2023-12-25", "2023-12-31"),
    ("2024-03-01", "LAST_N_DAYS:2"): ("2024-02-29", "2024-03-01"),
    ("2024-02-28", "NEXT_N_DAYS:2"): ("2024-02-29", "2024-03-01"),
    ("2024-01-15", "LAST_N_MONTHS:2"): ("2023-11-01", "2023-12-31"),
    ("2024-05-31", "NEXT_N_QUARTERS:2"): ("2024-07-01", "2024-12-31"),
    ("2024-02-29", "LAST_N_YEARS:1"): ("2023-01-01", "2023-12-31"),
}


@pytest.mark.parametrize(("today", "name"), TODAYS)
def test_relative_date_covers_the_days_of_the_calendar(today: str, name: str) -> None:
    found = range_of(name, date.fromisoformat(today))
    assert found is not None
    first, last = TODAYS[today, name]
    assert (found[0].isoformat(), found[1].toordinal() - 1) == (first, date.fromisoformat(last).toordinal())


def test_relative_dates_follow_the_clock_in_the_organisations_zone(shop: Tenant) -> None:
    """Shanghai is eight hours ahead: at 16:00 UTC on 31 December it is next year there."""
    shop.change_settings(time_zone="Asia/Shanghai")
    stored = rows(shop, "item", fields=["at", "d", "k"])
    shop.clock = FakeClock(datetime(2023, 12, 31, 16, 30, tzinfo=UTC))
    this_year = [r["k"] for r in stored if r["d"] and r["d"].startswith("2024")]
    assert [
        r["k"] for r in rows(shop, "item", fields=["k"], filter={"field": "d", "op": "=", "value": "THIS_YEAR"})
    ] == this_year
    start, end = datetime(2023, 12, 31, 16, tzinfo=UTC), datetime(2024, 1, 1, 16, tzinfo=UTC)
    for op, test in {
        "=": lambda v: start <= v < end,
        "!=": lambda v: not start <= v < end,
        "<": lambda v: v < start,
        "<=": lambda v: v < end,
        ">": lambda v: v >= end,
        ">=": lambda v: v >= start,
    }.items():
        expected = [r["k"] for r in stored if r["at"] and test(datetime.fromisoformat(r["at"]))]
        found = rows(shop, "item", fields=["k"], filter={"field": "at", "op": op, "value": "TODAY"})
        assert [r["k"] for r in found] == expected, op


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles"])
def test_relative_date_beyond_the_calendar_is_answered(shop: Tenant, zone: str) -> None:
    shop.change_settings(time_zone=zone)
    filled = {path: len(rows(shop, "item", filter={"field": path, "op": "is_not_blank"})) for path in ("d", "at")}
    for path, count in filled.items():
        for unit in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS"):
            rows(shop, "item", fields=["k"], filter={"field": path, "op": "=", "value": f"NEXT_N_{unit}:9999"})
            last = rows(shop, "item", fields=["k"], filter={"field": path, "op": ">=", "value": f"LAST_N_{unit}:9999"})
            assert (path, unit, len(last)) == (path, unit, count)


def test_me_is_the_asking_user(shop: Tenant) -> None:
    user, other = create(shop, "user", {"name": "u", "login": "u"}, {"name": "o", "login": "o"})
    publish(shop, obj("task", field("name"), field("helper", "user"), sharing={"default": "edit"}))
    me = person(shop, user)
    create(
        shop,
        "task",
        {"name": "mine", "helper": ref(shop, "user", user)},
        {"name": "not", "helper": ref(shop, "user", other)},
        principal=me,
    )
    found = rows(shop, "task", me, filter={"field": "helper", "op": "=", "value": "$me"})
    assert [r["name"] for r in found] == ["mine"]
    assert rows(shop, "task", filter={"field": "helper", "op": "=", "value": "$me"}) == []
    assert len(rows(shop, "task", filter={"field": "owner", "op": "in", "value": ["$me"]}, principal=me)) == 2


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ({"field": "nope", "op": "=", "value": 1}, "unknown_field"),
        ({"field": "t", "op": "like", "value": "x"}, "unknown_operator"),
        ({"field": "i", "op": "contains", "value": "x"}, "unknown_operator"),
        ({"field": "t", "op": "="}, "missing_value"),
        ({"field": "t", "op": "in", "value": "x"}, "wrong_type"),
        ({"felt": "t", "op": "="}, "wrong_shape"),
        ([], "wrong_type"),
        ({"and": {}}, "wrong_type"),
        ({"field": "who.account.name.x", "op": "=", "value": 1}, "not_a_relation"),
        ({"and": [{"field": "k", "op": "=", "value": 1}] * 201}, "too_many"),
    ],
)
def test_wrong_filter_is_refused_with_its_reason(shop: Tenant, tree: Any, code: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        rows(shop, "item", filter=tree or {"and": [tree]})
    assert [p["code"] for p in refused.value.problems] == [code]
