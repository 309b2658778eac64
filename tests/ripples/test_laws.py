"""After any sequence of writes every roll-up is what a computation from nothing gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ripples.model import DOCUMENTS
from ripples.oracle import of_account, of_deal
from support.kernel import create, publish, ref, rows, write

from trellis.tenant import Tenant
from trellis.transaction import NotFound, RecordsInvalid

DAYS = ["2026-01-01", "2026-02-28", "2026-03-01"]
numbers = st.sampled_from([0, 0, 1, 1, 2, 3])
EXPENSE = {
    "name": st.sampled_from(["train", "hotel", "taxi", None]),
    "amount": st.sampled_from(["0.01", "10.50", "-3.25", "99999.99", None]),
    "weight": st.sampled_from(["0.001", "1.5", "2.005", None]),
    "pieces": st.sampled_from([0, 3, -7, None]),
    "status": st.sampled_from(["open", "approved", "approved", None]),
    "spent_on": st.sampled_from([*DAYS, None]),
    "deal": st.one_of(numbers, numbers, numbers, st.none()),
    "about": st.one_of(st.none(), st.tuples(st.sampled_from(["account", "deal"]), numbers)),
}
DEAL = {
    "region": st.sampled_from(["north", "south"]),
    "factor": st.sampled_from(["1", "2.5", None]),
    "account": st.one_of(numbers, numbers, st.none()),
}
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {"expense": EXPENSE, "deal": DEAL, "account": {}}
objects = st.sampled_from(["expense", "expense", "expense", "deal", "deal", "account"])
kinds = st.sampled_from(["create", "create", "update", "update", "update", "delete", "restore", "purge"])


@st.composite
def operations(draw: st.DrawFn) -> tuple[str, str, Any]:
    """One write: what, of which object, and with what."""
    name = draw(objects)
    what = draw(kinds)
    if what == "create":
        return what, name, draw(st.lists(st.fixed_dictionaries(FIELDS[name]), min_size=1, max_size=4))
    if what == "update":
        some = st.fixed_dictionaries({}, optional=FIELDS[name])
        return what, name, draw(st.dictionaries(numbers, some, min_size=1, max_size=3))
    return what, name, draw(st.lists(numbers, min_size=1, max_size=2, unique=True))


class World:
    """A tenant with the numbers of all records that were ever made."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.made: dict[str, list[int]] = {
            "account": create(tenant, "account", *({"name": f"a{n}"} for n in range(2))),
            "deal": [],
            "expense": [],
        }
        account = ref(tenant, "account", self.made["account"][0])
        deals = ({"name": f"d{n}", "account": account, "region": "south", "factor": "2"} for n in range(3))
        self.made["deal"] = create(tenant, "deal", *deals)
        parents = [ref(tenant, "deal", n) for n in self.made["deal"]]
        expenses = ({"deal": parents[n % 2], "amount": f"{n}.25", "weight": str(n)} for n in range(5))
        self.made["expense"] = create(tenant, "expense", *expenses)

    def value(self, name: str, value: Any) -> Any:
        """Turn the place of a record into its id; a place that is not taken is a blank."""
        if name == "about" and value is not None:
            return self.value(*value)
        if name in ("deal", "account") and value is not None:
            known = self.made[name]
            return ref(self.tenant, name, known[value]) if value < len(known) else None
        return value

    def apply(self, what: str, name: str, given: Any) -> None:
        """Carry out one write; refused ones change nothing."""
        known = self.made[name]
        try:
            if what == "create":
                rows = [{k: self.value(k, v) for k, v in values.items()} for values in given]
                if name != "expense":
                    rows = [{"name": "x", **row} for row in rows]
                known.extend(create(self.tenant, name, *rows))
            elif what == "update":
                self._update(name, {known[n]: values for n, values in given.items() if n < len(known)})
            else:
                chosen = [known[n] for n in given if n < len(known)]
                if chosen:
                    write(self.tenant, lambda tx: getattr(tx, what)(name, chosen))
        except (RecordsInvalid, NotFound):
            pass

    def _update(self, name: str, change: dict[int, dict[str, Any]]) -> None:
        rows = [{"id": n, **{k: self.value(k, v) for k, v in values.items()}} for n, values in change.items()]
        write(self.tenant, lambda tx: tx.update(name, rows, mode="partial"))

    def check(self) -> None:
        """Compare every live record with the computation from nothing."""
        expenses, deals = rows(self.tenant, "expense"), {d["id"]: d for d in rows(self.tenant, "deal")}
        for deal in deals.values():
            right = of_deal(deal, deals, expenses)
            assert {k: deal[k] for k in right} == right
        for account in rows(self.tenant, "account"):
            right = of_account(account, deals, expenses)
            assert {k: account[k] for k in right} == right


@pytest.mark.slow
def test_roll_ups_equal_a_full_computation_after_any_sequence_of_writes(
    open_copy: Callable[[str, Callable[[Tenant], object]], Tenant],
) -> None:
    tenant = open_copy("books", lambda tenant: publish(tenant, *DOCUMENTS))

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(operations(), min_size=6, max_size=14))
    def run(found: list[tuple[str, str, Any]]) -> None:
        world = World(tenant)
        for operation in found:
            world.apply(*operation)
        world.check()

    run()
