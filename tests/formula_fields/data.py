"""Objects with formula fields, and a few records whose values can be worked out by hand."""

from __future__ import annotations

from typing import Any

from support.kernel import create, field, obj, ref

from trellis.tenant import Tenant


def formula(name: str, returns: str, text: str, **more: Any) -> dict[str, Any]:
    """A formula field."""
    return field(name, "formula", returns=returns, formula=text, **more)


DOCUMENTS: list[dict[str, Any]] = [
    obj("region", field("name"), field("factor", "number"), sharing={"default": "read"}),
    obj(
        "account",
        field("name"),
        field("region", "lookup", target="region"),
        field("address", "address"),
        formula("doubled", "number", "region.factor * 2", scale=3),
    ),
    obj(
        "deal",
        field("name"),
        field("amount", "currency"),
        field("cost", "number"),
        field("closes", "date"),
        field("called", "datetime"),
        field("stage", "picklist", options=[{"name": n} for n in ("new", "won", "lost")]),
        field("discount", "percent"),
        field("account", "lookup", target="account", relationship="deals"),
        formula("margin", "percent", "IF(amount = 0, NULL, (amount - cost) / amount)"),
        formula("good", "boolean", "margin >= 0.4"),
        formula("net", "currency", "amount * (1 - discount)"),
        formula("ratio", "number", "amount / cost", scale=1),
        formula("sum_blank", "number", "amount + cost", blanks="blank"),
        formula("far", "number", "account.doubled + 1", scale=1),
        formula("title", "text", 'UPPER(name) & "/" & account.region.name & "/" & account.address.city'),
        formula("state", "text", "stage"),
        formula("days", "number", "closes - TODAY()", scale=0),
        formula("due", "date", "closes + 7"),
        formula("called_until", "datetime", "called + 0.5"),
        formula("called_at", "time", "TIMEVALUE(called)"),
        formula("asker", "text", "$user.name"),
        formula("simple_name", "boolean", 'REGEX(name, "[a-z]+")'),
        formula("small", "number", "amount * 1000000000000", precision=5, scale=0),
        sharing={"default": "read"},
    ),
]


def fill(tenant: Tenant) -> None:
    """Make two regions, two accounts and four deals; the last deal is blank."""
    north, south = create(tenant, "region", {"name": "north", "factor": "1.5"}, {"name": "south", "factor": None})
    accounts = create(
        tenant,
        "account",
        {"name": "acme", "region": ref(tenant, "region", north), "address": {"city": "Oslo"}},
        {"name": "zenit", "region": ref(tenant, "region", south)},
    )
    acme, zenit = (ref(tenant, "account", a) for a in accounts)
    create(
        tenant,
        "deal",
        {
            "name": "alpha",
            "amount": "200",
            "cost": "120",
            "closes": "2026-11-30",
            "called": "2026-11-20T20:15:00Z",
            "stage": "won",
            "discount": "10",
            "account": acme,
        },
        {"name": "Beta", "amount": "300", "cost": "270", "closes": "2026-11-01", "stage": "new", "account": zenit},
        {"name": "gamma", "amount": "90", "cost": "0", "account": acme},
        {"name": "delta"},
    )
