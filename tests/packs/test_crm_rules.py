"""What the rules of the pack ``crm`` do with deals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.kernel import codes, create, ref, rows, write

from trellis.clock import FakeClock
from trellis.packs import pack_documents
from trellis.runtime import Runtime
from trellis.transaction import RecordsInvalid


def test_deal_begins_with_the_close_date_of_its_type_and_stays_out_of_the_past(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path, clock=FakeClock(datetime(2026, 11, 22, 8, tzinfo=UTC)))
    tenant = runtime.create_tenant("acme")
    tenant.publisher.apply(tenant.publisher.plan_documents(pack_documents("crm")))
    account = ref(tenant, "account", create(tenant, "account", {"name": "Corvid"})[0])
    given: dict[str, Any] = {"account": account}
    renewal, _plain, _chosen = create(
        tenant,
        "deal",
        {"name": "r", "deal_type": "renewal", **given},
        {"name": "n", **given},
        {"name": "c", "close_date": "2026-12-31", **given},
    )
    assert [r["close_date"] for r in rows(tenant, "deal")] == ["2027-01-21", "2027-02-20", "2026-12-31"]

    def change(**values: Any) -> dict[str, list[str]]:
        with pytest.raises(RecordsInvalid) as caught:
            write(tenant, lambda tx: tx.update("deal", [{"id": renewal, **values}]))
        return codes(caught.value.errors[0])

    assert change(close_date="2026-11-21") == {"close_date": ["close_date_in_past"]}
    assert "loss_reason" in change(stage="lost")
    runtime.close()
