"""Roll-ups of objects that have records: computed when they are published, again when they mean something else, and undone."""

from __future__ import annotations

import pytest
from ripples.model import rollup
from support.kernel import create, field, obj, publish, ref, undo, values, write

from trellis.publishing import publication
from trellis.publishing.publisher import Publisher
from trellis.tenant import Tenant

EXPENSE = obj(
    "expense",
    field("deal", "lookup", target="deal", on_delete="cascade"),
    field("amount", "integer"),
    field("double", "formula", returns="number", formula="amount * 2", scale=0),
)
COST = rollup("cost", "expense.deal", "sum", "amount")


def deals(*rollups: dict[str, object]) -> dict[str, object]:
    return obj("deal", field("name"), field("account", "lookup", target="account"), *rollups)


def accounts(*rollups: dict[str, object]) -> dict[str, object]:
    return obj("account", field("name"), *rollups)


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """Two deals of one account; the first has expenses of 1 and 2, the second none."""
    publish(tenant, accounts(), deals(), EXPENSE)
    [account] = create(tenant, "account", {"name": "a"})
    made = create(tenant, "deal", *({"name": n, "account": ref(tenant, "account", account)} for n in "xy"))
    create(tenant, "expense", *({"deal": ref(tenant, "deal", made[0]), "amount": n} for n in (1, 2)))
    return tenant


def expense(tenant: Tenant, amount: int, position: int = 0) -> int:
    deal = values(tenant, "deal", "id")[position]
    return create(tenant, "expense", {"deal": deal, "amount": amount})[0]


def test_a_new_roll_up_counts_the_records_that_exist_and_the_plan_says_so(shop: Tenant) -> None:
    plan = shop.publisher.plan_documents([deals(COST), accounts(rollup("cost", "deal.account", "sum", "cost"))])
    found = {f.subject: (f.code, f.count, f.to_json("en")["message"]) for f in plan.findings}
    words = "sum of amount over Expense"
    assert found["deal.cost"] == ("rollup_computed", 2, f"'cost' is computed for 2 records: {words}.")
    assert found["account.cost"][:2] == ("rollup_computed", 1)
    assert not plan.destructive
    shop.publisher.apply(plan)
    assert values(shop, "deal", "cost") == [3, 0]
    assert values(shop, "account", "cost") == [3]


def test_a_changed_definition_is_computed_anew_and_its_undo_too(shop: Tenant) -> None:
    publish(shop, deals(COST))
    publish(shop, deals({**COST, "filter": "amount > 1"}))
    assert values(shop, "deal", "cost") == [2, 0]
    expense(shop, 10)
    undo(shop)
    assert values(shop, "deal", "cost") == [13, 0]
    expense(shop, 1)
    assert values(shop, "deal", "cost") == [14, 0]


def test_a_changed_formula_of_the_child_is_followed_on_every_level(shop: Tenant) -> None:
    double = rollup("double", "expense.deal", "sum", "double")
    publish(shop, deals(double), accounts(rollup("double", "deal.account", "sum", "double")))
    assert values(shop, "account", "double") == ["6"]
    changed = {**EXPENSE, "fields": [*EXPENSE["fields"][:2], {**EXPENSE["fields"][2], "formula": "amount * 10"}]}
    plan = shop.publisher.plan_documents([changed])
    assert {f.subject for f in plan.findings} == {"deal.double", "account.double"}
    shop.publisher.apply(plan)
    assert (values(shop, "deal", "double"), values(shop, "account", "double")) == (["30", "0"], ["30"])


def test_a_new_label_computes_nothing(shop: Tenant) -> None:
    publish(shop, deals(COST))
    assert shop.publisher.plan_documents([deals({**COST, "label": "Costs"})]).findings == ()


def test_a_removed_roll_up_loses_nothing_that_the_plan_must_warn_of(shop: Tenant) -> None:
    publish(shop, deals(COST))
    assert [f.code for f in shop.publisher.plan_documents([deals()]).findings] == []
    publish(shop, deals())
    expense(shop, 5, position=1)
    undo(shop)
    assert values(shop, "deal", "cost") == [3, 5]


def test_what_is_written_during_the_back_fill_is_caught_up_with(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "INLINE_ROWS", 0)
    monkeypatch.setattr("trellis.publishing.filling.BATCH_ROWS", 1)
    first = expense(shop, 4)
    other = values(shop, "deal", "id")[1]
    seen: list[str] = []

    def fault(step: str) -> None:
        seen.append(step)
        if step == "before activate":
            expense(shop, 100)
            write(shop, lambda tx: tx.update("expense", [{"id": first, "deal": other}]))
            create(shop, "deal", {"name": "late"})

    publisher = Publisher(shop, fault=fault)
    plan = publisher.plan_documents([deals(COST), accounts(rollup("cost", "deal.account", "sum", "cost"))])
    publisher.apply(plan)
    assert seen.count("after fill batch") >= 3
    assert values(shop, "deal", "cost") == [103, 4, 0]
    assert values(shop, "account", "cost") == [107]


def test_a_new_roll_up_catches_up_also_over_one_that_was_there_before(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(shop, deals(COST))
    monkeypatch.setattr(publication, "INLINE_ROWS", 0)

    def fault(step: str) -> None:
        if step == "before activate":
            expense(shop, 100)

    publisher = Publisher(shop, fault=fault)
    publisher.apply(publisher.plan_documents([accounts(rollup("cost", "deal.account", "sum", "cost"))]))
    assert values(shop, "deal", "cost") == [103, 0]
    assert values(shop, "account", "cost") == [103]
