"""A filter has two forms, the builder's tree and the text of a formula: neither loses anything of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query.data import DOCUMENTS, fill
from support.kernel import create, field, obj, page, publish, ref

from trellis.access.principal import Principal
from trellis.query.filter_text import NoTextForm, text_of, tree_of
from trellis.record_id import format_id
from trellis.relative_dates import NAMES
from trellis.tenant import Tenant
from trellis_metadata.filters import OPERATORS
from trellis_metadata.formula import FormulaError

MORE = obj("more", field("p", "percent"), field("u", "duration"), field("h", "time"), field("x", "formula", **{"returns": "number", "formula": "p * 2", "scale": 1}))  # fmt: skip
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "t": st.sampled_from(["a", "A", "ab", "Äb", "b%", "b_c", "客户", "z'\"\\", "100%"]),
    "n": st.sampled_from(["-1.50", "0.00", "0.10", "7.00", "9999999999999999.99"]),
    "i": st.sampled_from(["-3", "0", "2"]),
    "b": st.booleans(),
    "d": st.sampled_from(["2023-12-31", "2024-02-29", "2024-12-31"]),
    "at": st.sampled_from(["2024-02-29T16:00:00Z", "2023-12-31T15:59:59.999999Z"]),
    "c": st.sampled_from(["red", "green", "blue"]),
    "m": st.sampled_from(["red", "green", "blue"]),
    "money": st.sampled_from(["0.10", "-5.00", "1000000000000000.01"]),
    "who": st.sampled_from([format_id("contact", n) for n in range(1003, 1012)]),
    "owner": st.sampled_from(["$me"]),
    "who.account.name": st.sampled_from(["anorth", "lost"]),
    "money.currency": st.sampled_from(["USD", "EUR"]),
}
CATEGORIES = {"t": "text", "n": "number", "i": "number", "b": "boolean", "d": "date", "at": "datetime", "c": "choice"}
CATEGORIES |= {"m": "choices", "money": "number", "who": "reference", "owner": "reference"}
CATEGORIES |= {"who.account.name": "text", "money.currency": "text"}
PERIODS = [n.replace(":n", ":700") for n in NAMES]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    path = draw(st.sampled_from(sorted(VALUES)))
    category, value = CATEGORIES[path], VALUES[path]
    op = draw(st.sampled_from(OPERATORS[category]))
    if op in ("is_blank", "is_not_blank"):
        return {"field": path, "op": op}
    if op in ("in", "not_in", "includes_any", "includes_all", "excludes"):
        return {"field": path, "op": op, "value": draw(st.lists(value, min_size=1, max_size=3))}
    if op == "between":
        return {"field": path, "op": op, "value": [draw(value), draw(value)]}
    if category in ("date", "datetime") and draw(st.booleans()):
        return {"field": path, "op": op, "value": draw(st.sampled_from(PERIODS))}
    return {"field": path, "op": op, "value": draw(value)}


TREES = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)


def _build(tenant: Tenant) -> None:
    publish(tenant, *DOCUMENTS, MORE)
    fill(tenant)
    create(tenant, "more", {"p": "12.5", "u": "P1D", "h": "08:30:00"}, {"p": "-3"}, {})
    (user,) = create(tenant, "user", {"name": "Ada", "login": "ada"})
    create(tenant, "item", {"k": "100", "owner": ref(tenant, "user", user)})


@pytest.fixture
def shop(open_copy: Callable[[str, Callable[[Tenant], None]], Tenant]) -> Tenant:
    return open_copy("filter_text", _build)


def selected(tenant: Tenant, name: str, filter: Any, principal: Principal) -> list[str]:
    return [r["id"] for r in page(tenant, name, principal, fields=["id"], filter=filter, sort=["id"], limit=100).rows]


def asker(tenant: Tenant) -> Principal:
    (user,) = page(tenant, "user", fields=["id"], filter={"field": "login", "op": "=", "value": "ada"}).rows
    return Principal("person", tenant.model().env.parse_id(user["id"], ["user"])[1], "Ada", admin=True)


@FUZZ
@given(TREES)
def test_tree_comes_back_from_its_text_and_selects_the_same(shop: Tenant, tree: dict[str, Any]) -> None:
    model, ada = shop.model(), asker(shop)
    text = text_of(tree, "item", model)
    assert tree_of(text, "item", model) == tree, text
    assert selected(shop, "item", text, ada) == selected(shop, "item", tree, ada), text


TEXTS = [
    "n > 5 && NOT(b)",
    "b = false || n + i > 2",
    't <> "a"',
    'NOT(t = "a" || ISBLANK(n))',
    "5 <= n",
    "n",
    'c = "red" && n BETWEEN 0 AND 7',
    "ISPICKVAL(c, 'red') || INCLUDES(m, 'blue')",
    'LEN(t) > 1 && t LIKE "a%"',
    "d < DATE(2024, 3, 1) || d > TODAY() - 5",
    "AND(n > 1)",
    "IF(b, n > 0, n < 0)",
    'money.currency = "USD" && who.account.name = "lost"',
    "owner = $user.id",
    "at >= DATETIMEVALUE('2024-01-01 00:00:00')",
    "n = i",
    "TRUE",
    'c IN ("red", "blue") || NOT(c IN ("red"))',
    'BEGINS(t, "a") = NOT(b)',
    "n > 1 = b",
]


@pytest.mark.parametrize("text", [t for t in TEXTS if t != "n"])
def test_text_selects_the_same_after_a_way_through_the_tree(shop: Tenant, text: str) -> None:
    model, ada = shop.model(), asker(shop)
    tree = tree_of(text, "item", model)
    again = text_of(tree, "item", model)
    wanted = selected(shop, "item", text, ada)
    assert selected(shop, "item", tree, ada) == wanted
    assert selected(shop, "item", again, ada) == wanted
    assert tree_of(again, "item", model) == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"field": "p", "op": ">", "value": "10.00"}, "p > 0.1"),
        ({"field": "u", "op": "<=", "value": "P1D"}, "u <= 86400"),
        ({"field": "h", "op": "=", "value": "08:30:00"}, 'h = TIMEVALUE("08:30:00.000")'),
        ({"field": "x", "op": "!=", "value": "25.0"}, "x <> 25"),
        ({"field": "created_at", "op": "=", "value": "LAST_N_DAYS:30"}, 'WITHIN(created_at, "LAST_N_DAYS:30")'),
        ({"field": "owner", "op": "in", "value": ["$me"]}, "owner IN ($user.id)"),
        ({"and": [{"field": "p", "op": "is_blank"}]}, "AND(ISBLANK(p))"),
    ],
    ids=str,
)
def test_text_is_what_a_person_would_write(shop: Tenant, tree: dict[str, Any], text: str) -> None:
    model = shop.model()
    assert text_of(tree, "more", model) == text
    assert tree_of(text, "more", model) == tree
    assert selected(shop, "more", text, asker(shop)) == selected(shop, "more", tree, asker(shop))


def test_part_without_a_form_in_the_builder_stays_a_formula(shop: Tenant) -> None:
    tree = tree_of('n > 5 && LEN(t) * 2 > i + 1 && c = "red"', "item", shop.model())
    assert tree == {
        "and": [
            {"field": "n", "op": ">", "value": "5.00"},
            {"formula": "LEN(t) * 2 > i + 1"},
            {"field": "c", "op": "=", "value": "red"},
        ]
    }


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ({"field": "t", "op": "contains", "value": "a\nb"}, "line break"),
        ({"field": "n", "op": "in", "value": []}, "without values"),
        ({"field": "id", "op": ">", "value": "item_z"}, "Ids"),
        ({"field": "nothing", "op": "is_blank"}, "'nothing'"),
    ],
    ids=str,
)
def test_tree_without_a_text_says_why(shop: Tenant, tree: dict[str, Any], word: str) -> None:
    with pytest.raises(NoTextForm, match=word):
        text_of(tree, "item", shop.model())


def test_wrong_text_is_refused_with_its_place(shop: Tenant) -> None:
    with pytest.raises(FormulaError) as refused:
        tree_of("n > 5 && nn = 3", "item", shop.model())
    assert [(p.code, p.start, p.end) for p in refused.value.problems] == [("unknown_name", 9, 11)]


def test_blank_in_a_text_means_what_it_means_in_the_builder(shop: Tenant) -> None:
    """NOT of a comparison with a blank is true, in both forms and in both databases."""
    ada = asker(shop)
    tree = {"not": {"field": "n", "op": ">", "value": "0"}}
    assert selected(shop, "item", "NOT(n > 0)", ada) == selected(shop, "item", tree, ada)
    assert len(selected(shop, "item", "NOT(n > 0)", ada)) > len(selected(shop, "item", "n <= 0", ada)) > 0
