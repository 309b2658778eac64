"""The roll-ups of the core pack are right over its demo data, and people see them."""

from __future__ import annotations

from decimal import Decimal

from support.kernel import rows

from trellis.cli.checks.rollups import check
from trellis.tenant import Tenant


def test_demo_customers_know_what_they_bought_and_what_is_open(demo: Tenant) -> None:
    found = rows(demo, "account", fields=["open_deals", "open_amount", "won_amount"])
    deals = rows(demo, "deal", fields=["account", "stage", "amount", "amount.corporate"])
    for account in found:
        own = [d for d in deals if d["account"] == account["id"]]
        won = sum((Decimal(d["amount.corporate"]) for d in own if d["stage"] == "won" and d["amount"]), Decimal())
        assert account["open_deals"] == sum(d["stage"] not in ("won", "lost") for d in own)
        assert account["won_amount"] == {"amount": str(won.quantize(Decimal("0.01"))), "currency": "CNY"}
    assert sum(a["open_deals"] for a in found) > 20
    assert sum(Decimal(a["won_amount"]["amount"]) > 0 for a in found) > 3


def test_demo_campaigns_know_their_leads(demo: Tenant) -> None:
    leads = rows(demo, "lead", fields=["campaign"])
    found = rows(demo, "campaign", fields=["lead_count"])
    assert {c["id"]: c["lead_count"] for c in found} == {
        c["id"]: sum(lead["campaign"] == c["id"] for lead in leads) for c in found
    }
    assert sum(c["lead_count"] for c in found) > 10


def test_doctor_finds_nothing_wrong_in_the_demo(demo: Tenant) -> None:
    with demo.database.reading() as connection:
        assert list(check(demo, connection)) == []
