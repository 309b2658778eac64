"""Three levels of records with roll-ups of every kind: accounts have deals, deals have expenses."""

from __future__ import annotations

from typing import Any

from support.kernel import field, obj

STATUS = [{"name": "open"}, {"name": "approved"}, {"name": "refused"}]


def rollup(name: str, of: str, operation: str, over: str | None = None, **more: Any) -> dict[str, Any]:
    """A roll-up field."""
    return field(name, "rollup", of=of, operation=operation, **({"field": over} if over else {}), **more)


APPROVED = {"field": "status", "op": "=", "value": "approved"}
EXPENSE = obj(
    "expense",
    field("name"),
    field("deal", "lookup", target="deal", on_delete="cascade", relationship="spendings"),
    field("amount", "currency"),
    field("weight", "number", scale=3),
    field("pieces", "integer"),
    field("status", "picklist", options=STATUS, default="open"),
    field("spent_on", "date"),
    field("about", "lookup", target=["account", "deal"]),
    field("is_dear", "formula", returns="boolean", formula="AND(NOT(ISBLANK(weight)), weight > deal.factor)"),
    field("weighed", "formula", returns="number", formula="weight * deal.factor"),
)
DEAL = obj(
    "deal",
    field("name", required=True),
    field("account", "lookup", target="account", relationship="projects"),
    field("region"),
    field("factor", "number", scale=1),
    rollup("expenses", "expense.deal", "count"),
    rollup("cost", "expense.deal", "sum", "amount", filter=APPROVED),
    rollup("dearest", "expense.deal", "max", "amount"),
    rollup("lightest", "expense.deal", "min", "weight"),
    rollup("pieces", "expense.deal", "sum", "pieces", filter='status = "approved"'),
    rollup("mean", "expense.deal", "avg", "weight"),
    rollup("first_name", "expense.deal", "first", "name", order_by="spent_on"),
    rollup("last_status", "expense.deal", "last", "status", order_by="spent_on"),
    rollup("names", "expense.deal", "join", "name", order_by="-spent_on", separator="; ", distinct=True),
    rollup("kinds", "expense.deal", "count", "name", distinct=True),
    rollup("mentions", "expense.about", "count"),
    rollup("same_region", "expense.deal", "count", filter='deal.region = "north"'),
    rollup("latest", "expense.deal", "max", "spent_on"),
    rollup("dear", "expense.deal", "count", filter={"field": "is_dear", "op": "=", "value": True}),
    rollup("weighed", "expense.deal", "sum", "weighed"),
)
ACCOUNT = obj(
    "account",
    field("name", required=True),
    rollup("total_cost", "deal.account", "sum", "cost"),
    rollup("deals", "deal.account", "count"),
    rollup("expenses", "deal.account", "sum", "expenses"),
    rollup("busy", "deal.account", "count", filter={"field": "expenses", "op": ">", "value": 1}),
    rollup("mentions", "expense.about", "count"),
    rollup("dearest", "deal.account", "max", "dearest"),
)
DOCUMENTS: list[dict[str, Any]] = [ACCOUNT, DEAL, EXPENSE]
