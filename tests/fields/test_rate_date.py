"""The rate of an amount is that of its rate date; the amount in the organisation's currency follows both.

Expected amounts are worked by hand: 100 × 7.1 in January 2026, 100 × 7.3 from February, 100 × 7.5 from November.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from support.kernel import changes, codes, counting, create, field, obj, publish, values, write

from trellis.clock import FakeClock
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

EUR = {"amount": "100", "currency": "EUR"}
DEAL = obj(
    "deal",
    field("name"),
    field("amount", "currency", rate_date="close_date"),
    field("close_date", "date"),
    field("cost", "currency", rate_date="paid_at"),
    field("paid_at", "datetime"),
    field("fee", "currency"),
)


def _build(tenant: Tenant) -> None:
    tenant.change_settings(time_zone="Asia/Shanghai")
    publish(tenant, DEAL)
    with tenant.database.writing() as connection:
        for day, rate in ((date(2026, 1, 1), "7.1"), (date(2026, 2, 1), "7.3"), (date(2026, 11, 1), "7.5")):
            tenant.rates.set(connection, "EUR", day, Decimal(rate))


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    tenant = open_copy("rate_date", _build)
    tenant.clock = FakeClock(datetime(2026, 11, 22, 9, tzinfo=UTC))
    return tenant


def change(tenant: Tenant, record: int, **new: Any) -> None:
    write(tenant, lambda tx: tx.update("deal", [{"id": record, **new}]))


def test_rate_of_the_field_that_is_named_applies(crm: Tenant) -> None:
    create(
        crm,
        "deal",
        {"amount": EUR, "close_date": "2026-01-31"},
        {"amount": EUR, "close_date": "2026-02-01"},
        {"amount": EUR, "close_date": "2027-05-01"},
    )
    assert values(crm, "deal", "amount.corporate") == ["710.00", "730.00", "750.00"]


def test_without_a_date_the_day_of_the_write_decides(crm: Tenant) -> None:
    create(crm, "deal", {"amount": EUR}, {"fee": EUR, "close_date": "2026-01-01"})
    assert values(crm, "deal", "amount.corporate") == ["750.00", None]
    assert values(crm, "deal", "fee.corporate") == [None, "750.00"]


def test_moment_counts_as_its_day_in_the_organisations_zone(crm: Tenant) -> None:
    # 17:00 UTC on 31 January is 01:00 on 1 February in Shanghai.
    create(
        crm, "deal", {"cost": EUR, "paid_at": "2026-01-31T17:00:00Z"}, {"cost": EUR, "paid_at": "2026-01-31T15:00:00Z"}
    )
    assert values(crm, "deal", "cost.corporate") == ["730.00", "710.00"]


def test_amount_follows_when_the_date_changes(crm: Tenant) -> None:
    (deal,) = create(crm, "deal", {"amount": EUR, "close_date": "2026-01-31"})
    change(crm, deal, close_date="2026-02-01")
    assert values(crm, "deal", "amount.corporate") == ["730.00"]
    change(crm, deal, close_date=None)
    assert values(crm, "deal", "amount.corporate") == ["750.00"]
    history = [c["values"] for c in changes(crm, record=deal)]
    assert history[1:] == [
        {"close_date": ["2026-01-31", "2026-02-01"]},
        {"close_date": ["2026-02-01", None]},
    ]


def test_same_amount_written_again_keeps_its_rate(crm: Tenant) -> None:
    (deal,) = create(crm, "deal", {"fee": EUR})
    with crm.database.writing() as connection:
        crm.rates.set(connection, "EUR", date(2026, 11, 23), Decimal("8"))
    crm.clock = FakeClock(datetime(2026, 11, 25, tzinfo=UTC))
    change(crm, deal, fee=EUR, name="renamed")
    assert values(crm, "deal", "fee.corporate") == ["750.00"]
    change(crm, deal, fee={**EUR, "amount": "101"})
    assert values(crm, "deal", "fee.corporate") == ["808.00"]


def test_date_before_the_first_rate_refuses_the_row_and_names_the_day(crm: Tenant) -> None:
    rows = [{"amount": EUR, "close_date": "2025-12-31"}, {"amount": EUR, "close_date": "2026-01-01"}]
    with pytest.raises(RecordsInvalid) as refusal:
        create(crm, "deal", *rows)
    assert [codes(e) for e in refusal.value.errors] == [{"amount": ["no_rate"]}, {}]
    assert "EUR on 2025-12-31" in refusal.value.errors[0]["amount"][0]["message"]


def test_rates_of_a_batch_are_read_in_one_statement(crm: Tenant) -> None:
    with counting(crm) as seen:
        create(crm, "deal", *[{"amount": EUR, "cost": EUR, "close_date": f"2026-{m:02d}-01"} for m in range(1, 13)])
    assert sum("t_currency_rate" in s for s in seen) == 1


@pytest.mark.parametrize(
    ("named", "code"), [("name", "bad_rate_date"), ("created_at", "bad_rate_date"), ("closing", "unknown_field")]
)
def test_field_that_holds_no_date_is_refused(crm: Tenant, named: str, code: str) -> None:
    with pytest.raises(InvalidMetadata) as refusal:
        publish(crm, obj("order", field("name"), field("amount", "currency", rate_date=named)))
    assert [(d.code, d.pointer) for d in refusal.value.diagnostics] == [(code, "/fields/1/rate_date")]
