"""Aggregates over child records in formulas: kept by hidden roll-ups that the plan shows in words."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import create, field, obj, publish, rows, undo, values, write

from trellis.publishing.errors import InvalidMetadata
from trellis.query import InvalidQuery
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

LINE = obj(
    "line",
    field("order", "lookup", target="order", relationship="lines"),
    field("amount", "integer"),
    field("sku"),
)
LIMIT = {"name": "limit", "when": "SUM(lines.amount) > limit", "message": "Too much"}


def order(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return obj("order", field("name"), field("limit", "integer", default=100), *fields, **more)


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """An order with lines of 30 and 40."""
    publish(tenant, order(), LINE)
    [made] = create(tenant, "order", {"name": "one"})
    lines(tenant, 30, 40)
    assert made
    return tenant


def lines(tenant: Tenant, *amounts: int) -> list[int]:
    parent = values(tenant, "order", "id")[0]
    return create(tenant, "line", *({"order": parent, "amount": a, "sku": f"s{a}"} for a in amounts))


def test_a_rule_with_a_sum_is_judged_at_every_line_and_the_plan_shows_the_roll_up(shop: Tenant) -> None:
    plan = shop.publisher.plan_documents([order(validation=[LIMIT])])
    [finding] = plan.findings
    assert finding.to_json("en")["message"] == (
        "A roll-up for a formula is computed for 1 records: sum of amount over Line."
    )
    shop.publisher.apply(plan)
    with pytest.raises(RecordsInvalid, match="Too much"):
        lines(shop, 31)
    lines(shop, 30)
    with pytest.raises(RecordsInvalid, match="Too much"):
        write(shop, lambda tx: tx.update("order", [{"id": _id(shop), "limit": 99}]))


def _id(tenant: Tenant) -> int:
    return tenant.model().env.parse_id(values(tenant, "order", "id")[0], ["order"])[1]


def test_formula_fields_count_join_and_compare_children(shop: Tenant) -> None:
    publish(
        shop,
        order(
            field("size", "formula", returns="number", formula="COUNT(lines.id)", scale=0),
            field("rest", "formula", returns="number", formula="limit - SUM(lines.amount)", scale=0),
            field("mean", "formula", returns="number", formula="AVG(lines.amount)"),
            field("span", "formula", returns="number", formula="MAX(lines.amount) - MIN(lines.amount)", scale=0),
            field("skus", "formula", returns="text", formula='JOIN(lines.sku, "/")'),
        ),
    )
    [row] = rows(shop, "order", fields=["size", "rest", "mean", "span", "skus"])
    assert [row[n] for n in ("size", "rest", "mean", "span", "skus")] == ["2", "30", "35.00", "10", "s30/s40"]
    lines(shop, 50)
    assert values(shop, "order", "rest") == ["-20"]
    assert values(shop, "order", "name", filter={"field": "rest", "op": "<", "value": "0"}) == ["one"]


def test_a_formula_of_the_child_reads_the_sum_of_its_parent(shop: Tenant) -> None:
    share = field("share", "formula", returns="percent", formula="amount / SUM(order.lines.amount)", scale=1)
    publish(shop, {**LINE, "fields": [*LINE["fields"], share]})
    assert values(shop, "line", "share") == ["42.9", "57.1"]


def test_two_formulas_share_one_roll_up_and_publishing_again_computes_nothing(shop: Tenant) -> None:
    publish(shop, order(validation=[LIMIT]))
    again = {"name": "again", "when": "SUM(lines.amount) > 1000", "message": "Far too much"}
    assert shop.publisher.plan_documents([order(validation=[LIMIT, again])]).findings == ()
    assert len(shop.model().object("order").hidden) == 1


def test_undo_and_a_new_try_compute_the_hidden_roll_up_anew(shop: Tenant) -> None:
    publish(shop, order(validation=[LIMIT]))
    undo(shop)
    lines(shop, 50)
    publish(shop, order(field("total", "formula", returns="number", formula="SUM(lines.amount)", scale=0)))
    assert values(shop, "order", "total") == ["120"]


def test_the_hidden_field_is_in_no_answer_and_cannot_be_asked_for_or_written(shop: Tenant) -> None:
    publish(shop, order(validation=[LIMIT]))
    [name] = shop.model().object("order").hidden
    assert name == "_sum_line_order_amount"
    assert not [k for k in rows(shop, "order")[0] if k.startswith("_")]
    for query in ({"fields": [name]}, {"sort": [name]}, {"filter": {"field": name, "op": ">", "value": 1}}):
        with pytest.raises(InvalidQuery):
            rows(shop, "order", **query)
    with pytest.raises(RecordsInvalid):
        create(shop, "order", {"name": "x", name: 5})


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("SUM(lines.sku) > 1", "cannot be taken of a text"),
        ("SUM(lines.amuont) > 1", "no field 'lines.amuont'"),
        ("lines.amount > 1", "list of child records"),
        ("JOIN(lines.sku, name) = name", "written out"),
    ],
)
def test_wrong_aggregates_are_refused(shop: Tenant, formula: str, words: str) -> None:
    with pytest.raises(InvalidMetadata) as refused:
        shop.publisher.check([order(validation=[{**LIMIT, "when": formula}])])
    assert words in " ".join(d.message for d in refused.value.diagnostics)


def test_a_formula_that_sums_itself_over_its_children_is_refused(shop: Tenant) -> None:
    share = field("share", "formula", returns="number", formula="amount / order.total")
    total = field("total", "formula", returns="number", formula="SUM(lines.share)")
    with pytest.raises(InvalidMetadata) as refused:
        shop.publisher.check([order(total), {**LINE, "fields": [*LINE["fields"], share]}])
    assert "circle" in " ".join(d.message for d in refused.value.diagnostics)
