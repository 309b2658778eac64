"""Objects and random rows (the same at every run) for the tests of the query."""

from __future__ import annotations

import random
from typing import Any

from support.kernel import create, field, obj, ref

from trellis.tenant import Tenant

OPTIONS = [{"name": n} for n in ("red", "green", "blue")]
DOCUMENTS: list[dict[str, Any]] = [
    obj("region", field("name")),
    obj("account", field("name"), field("region", "lookup", target="region")),
    obj("contact", field("name"), field("account", "lookup", target="account", relationship="contacts")),
    obj(
        "item",
        field("t"),
        field("n", "number", scale=2),
        field("i", "integer"),
        field("b", "boolean"),
        field("d", "date"),
        field("at", "datetime"),
        field("c", "picklist", options=OPTIONS),
        field("m", "multi_picklist", options=OPTIONS),
        field("who", "lookup", target="contact", relationship="items"),
        field("k", "integer"),
        field("money", "currency"),
    ),
]
TEXTS = ["", "a", "A", "ab", "Äb", "b%", "b_c", "客户", "\U0001f600z", "z'\"\\", "100%"]
ROWS = 60


def row(rng: random.Random, contacts: list[str]) -> dict[str, Any]:
    """One random row, a fifth of its values blank."""

    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.2 else value

    month = rng.choice(["2023-12-31", "2024-01-01", "2024-02-29", "2024-03-31", "2024-04-01", "2024-12-31"])
    return {
        "t": maybe(rng.choice(TEXTS)),
        "n": maybe(rng.choice(["-1.5", "0", "0.1", "0.2", "9999999999999999.99", "7"])),
        "i": maybe(rng.randint(-3, 3)),
        "b": maybe(rng.random() < 0.5),
        "d": maybe(month),
        "at": maybe(f"{month}T{rng.choice(['00:00:00', '15:59:59.999999', '16:00:00', '23:30:00'])}Z"),
        "c": maybe(rng.choice(["red", "green", "blue"])),
        "m": maybe(rng.sample(["red", "green", "blue"], rng.randint(1, 3))),
        "who": maybe(rng.choice(contacts)),
        "money": maybe(rng.choice(["0.10", "0.20", "-5", "1000000000000000.01"])),
    }


def fill(tenant: Tenant) -> None:
    """Make two regions, accounts, contacts and sixty items."""
    regions = create(tenant, "region", {"name": "north"}, {"name": "south"})
    accounts = create(
        tenant, "account", *({"name": f"a{r}", "region": ref(tenant, "region", r)} for r in regions), {"name": "lost"}
    )
    contacts = create(
        tenant,
        "contact",
        *({"name": f"c{a}", "account": ref(tenant, "account", a)} for a in accounts),
        {"name": "alone"},
    )
    rng = random.Random(7)
    listed = [ref(tenant, "contact", c) for c in contacts]
    create(tenant, "item", *({**row(rng, listed), "k": k} for k in range(ROWS)))
