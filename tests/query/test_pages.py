"""Paging, relations, child lists, totals, groups and search."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from support.kernel import counting, create, field, obj, page, publish, ref, rows, write

from trellis.query import InvalidQuery
from trellis.tenant import Tenant

SORTABLE = [
    "t",
    "n",
    "i",
    "b",
    "d",
    "at",
    "c",
    "who",
    "money",
    "who.name",
    "who.account.region.name",
    "created_at",
    "id",
]
SORTS = (
    [[s] for s in SORTABLE]
    + [[f"-{s}"] for s in SORTABLE]
    + [["c", "-i"], ["-b", "t", "-n"], ["-who.account.name", "d", "id"], []]
)


def walk(tenant: Tenant, sort: list[str], *, limit: int = 7, between: Any = None) -> list[int]:
    found: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        answer = page(tenant, "item", fields=["k"], sort=sort, limit=limit, **cursor)
        found += [r["k"] for r in answer.rows]
        if answer.cursor is None:
            return found
        cursor = {"cursor": answer.cursor}
        if between:
            between()


def test_pages_hold_every_row_once_in_the_order_of_one_page_for_every_sort(shop: Tenant) -> None:
    for sort in SORTS:
        whole = [r["k"] for r in rows(shop, "item", fields=["k"], sort=sort)]
        assert sorted(whole) == list(range(60)), sort
        assert walk(shop, sort) == whole, sort


def test_blanks_come_last_in_both_directions(shop: Tenant) -> None:
    for sort in ("t", "-t", "n", "-n", "d", "-d", "who.name", "-who.name"):
        found = [r[sort.lstrip("-")] for r in rows(shop, "item", fields=[sort.lstrip("-")], sort=[sort])]
        blanks = [v is None for v in found]
        assert blanks == sorted(blanks) and any(blanks) and not all(blanks), sort


def test_numbers_and_texts_sort_as_python_sorts_them(shop: Tenant) -> None:
    stored = rows(shop, "item", fields=["t", "n"])
    texts = [r["t"] for r in rows(shop, "item", fields=["t"], sort=["t"]) if r["t"] is not None]
    assert texts == sorted(r["t"] for r in stored if r["t"] is not None)
    numbers = [Decimal(r["n"]) for r in rows(shop, "item", fields=["n"], sort=["-n"]) if r["n"] is not None]
    assert numbers == sorted((Decimal(r["n"]) for r in stored if r["n"] is not None), reverse=True)


def test_rows_that_arrive_while_paging_disturb_none_that_were_there(shop: Tenant) -> None:
    rng = random.Random(1)
    new = iter(range(1000, 2000))
    for sort in (["t"], ["-n"], ["modified_at"], ["-modified_at"], ["-c", "i"]):
        found = walk(shop, sort, between=lambda: create(shop, "item", {"k": next(new), "t": rng.choice("abz"), "i": 1}))
        old = [k for k in found if k < 60]
        assert sorted(old) == list(range(60)), sort
        assert len(found) == len(set(found)), sort


def test_cursor_of_another_query_or_none_is_refused(shop: Tenant) -> None:
    cursor = page(shop, "item", sort=["t"], limit=5).cursor
    for query in (
        {"sort": ["-t"]},
        {"sort": ["t"], "filter": {"field": "k", "op": ">", "value": 3}},
        {"sort": ["t"], "search": "a"},
        {"sort": ["t"], "deleted": True},
    ):
        with pytest.raises(InvalidQuery):
            page(shop, "item", cursor=cursor, **query)
    for broken in ("", "x", "e30", "W10", "bnVsbA", (cursor or "")[:-6], "WyJhIixbXV0", "ü"):
        if broken:
            with pytest.raises(InvalidQuery):
                page(shop, "item", sort=["t"], cursor=broken)


def test_total_counts_what_the_filter_selects_on_every_page(shop: Tenant) -> None:
    tree = {"field": "k", "op": "<", "value": 23}
    first = page(shop, "item", filter=tree, sort=["k"], limit=5, total=True)
    second = page(shop, "item", filter=tree, sort=["k"], limit=5, total=True, cursor=first.cursor)
    assert (first.total, second.total, len(second.rows)) == (23, 23, 5)


def test_child_lists_are_cut_per_parent_in_one_statement(shop: Tenant) -> None:
    by_parent = defaultdict(list)
    for r in rows(shop, "item", fields=["k", "who"], sort=["-k"]):
        by_parent[r["who"]].append(r["k"])
    with counting(shop) as seen:
        found = rows(
            shop, "contact", fields=["name"], children={"items": {"fields": ["k"], "sort": ["-k"], "limit": 3}}
        )
    selects = [s for s in seen if "o_item" in s]
    assert len(selects) == 1
    assert [[i["k"] for i in r["items"]] for r in found] == [by_parent[r["id"]][:3] for r in found]
    with pytest.raises(InvalidQuery):
        rows(shop, "contact", children={"thing": {}})


def test_groups_agree_with_sums_done_by_hand(shop: Tenant) -> None:
    groups: dict[Any, list[Decimal]] = defaultdict(list)
    counts: dict[Any, int] = defaultdict(int)
    for r in rows(shop, "item", fields=["c", "n"]):
        counts[r["c"]] += 1
        if r["n"] is not None:
            groups[r["c"]].append(Decimal(r["n"]))
    functions = [{"function": "count"}, *({"function": f, "field": "n"} for f in ("sum", "min", "max", "count"))]
    found = rows(shop, "item", sort=[], group_by=["c"], aggregates=functions)
    assert [r["c"] for r in found] == ["blue", "green", "red", None]
    for r in found:
        numbers = groups[r["c"]]
        assert r["count"] == counts[r["c"]] and r["count(n)"] == len(numbers)
        assert [Decimal(r[f"{f}(n)"]) for f in ("sum", "min", "max")] == [sum(numbers), min(numbers), max(numbers)]


def test_money_is_exact_in_sums_beyond_64_bits(tenant: Tenant) -> None:
    publish(tenant, obj("bill", field("m", "currency"), field("n", "number", scale=0, precision=18), field("g")))
    create(
        tenant,
        "bill",
        *({"m": "9999999999999999.99", "n": "999999999999999999", "g": "a"} for _ in range(50)),
        *({"m": "-9999999999999999.99", "g": "b"} for _ in range(30)),
        {"m": "0.10", "g": "c"},
        {"m": "0.20", "g": "c"},
        {"m": "0.03", "g": "d"},
        {"m": "0.03", "g": "d"},
        {"m": "0.04", "g": "d"},
    )
    functions = [{"function": f, "field": p} for p in ("m", "n") for f in ("sum", "avg", "min", "max")]
    found = {r["g"]: r for r in rows(tenant, "bill", sort=[], group_by=["g"], aggregates=functions)}
    assert found["a"]["sum(m)"] == "499999999999999999.50"
    assert found["a"]["sum(n)"] == "49999999999999999950"
    assert found["b"]["sum(m)"] == "-299999999999999999.70"
    assert (found["c"]["sum(m)"], Decimal(found["c"]["avg(m)"])) == ("0.30", Decimal("0.15"))
    assert found["d"]["avg(m)"].startswith("0.0333333333333333")
    assert (found["a"]["min(m)"], found["a"]["max(m)"], found["c"]["sum(n)"]) == (
        "9999999999999999.99",
        "9999999999999999.99",
        None,
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("瑞", ["瑞恒科技", "瑞"]),
        ("恒", ["瑞恒科技"]),
        ("技", ["瑞恒科技"]),
        ("恒科", ["瑞恒科技"]),
        ("瑞恒科", ["瑞恒科技"]),
        ("恒瑞", []),
        ("rhkj", ["瑞恒科技"]),
        ("rh", ["瑞恒科技"]),
        ("acm", ["Acme GmbH"]),
        ("ACME", ["Acme GmbH"]),
        ("gmbh acme", ["Acme GmbH"]),
        ("cme", []),
        ("b2b", ["B2B-Shop 3.5"]),
        ("3.5", ["B2B-Shop 3.5"]),
        ("shop", ["B2B-Shop 3.5"]),
        ("müll", ["Müller & Söhne"]),
        ("ｓöhne", ["Müller & Söhne"]),
        ("acme瑞恒", []),
        ("' OR 1=1 --", []),
        ('"*', []),
        ("NOT", []),
        ("&|!", []),
    ],
)
def test_search_finds_words_by_prefix_and_chinese_by_parts(named: Tenant, asked: str, found: list[str]) -> None:
    assert [r["name"] for r in rows(named, "firm", search=asked)] == found


@pytest.fixture
def named(open_copy: Any) -> Tenant:
    def build(tenant: Tenant) -> None:
        publish(tenant, obj("firm", field("name")))
        create(
            tenant,
            "firm",
            *({"name": n} for n in ("瑞恒科技", "Acme GmbH", "B2B-Shop 3.5", "Müller & Söhne", "瑞", "")),
        )

    found: Tenant = open_copy("named", build)
    return found


def test_search_follows_changes_deletion_and_restoring(named: Tenant) -> None:
    def ask(text: str) -> int:
        return len(rows(named, "firm", search=text))

    [firm] = create(named, "firm", {"name": "Zephyr"})
    write(named, lambda tx: tx.update("firm", [{"id": firm, "name": "Boreas"}]))
    assert (ask("zeph"), ask("bore")) == (0, 1)
    write(named, lambda tx: tx.delete("firm", [firm]))
    assert ask("bore") == 0
    assert ref(named, "firm", firm) not in [r["id"] for r in rows(named, "firm")]
    write(named, lambda tx: tx.restore("firm", [firm]))
    assert ask("bore") == 1
