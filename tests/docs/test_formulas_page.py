"""The page about formulas in objects is true: its documents are published and do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.kernel import codes, create, publish, ref, rows, write

from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

PAGE = Path(__file__).parents[2] / "docs" / "formulas.md"


def documents() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)]


def test_documents_of_the_page_do_what_it_says(tenant: Tenant) -> None:
    publish(tenant, *documents())
    account = ref(tenant, "account", create(tenant, "account", {"name": "A", "region": "East", "limit": "20000"})[0])
    create(
        tenant,
        "offer",
        {"name": "1", "account": account, "tier": "gold", "amount": "10000"},
        {"name": "2", "account": account, "tier": "gold", "amount": "9999.99"},
        {"name": "3", "region": None},
    )
    found = rows(tenant, "offer")
    assert [(r["region"], r["discount"]) for r in found] == [("East", "15.00"), ("East", "10.00"), (None, "0.00")]
    assert all(r["valid_until"] for r in found)

    def refused(**values: Any) -> dict[str, list[str]]:
        with pytest.raises(RecordsInvalid) as caught:
            write(tenant, lambda tx: tx.update("offer", [{"id": found[0]["id"], **values}]))
        return codes(caught.value.errors[0])

    assert refused(stage="lost") == {"reason": ["required"]}
    assert refused(reason="price") == {"reason": ["not_visible"]}
    assert refused(stage="won", terms="net 30") == {"terms": ["read_only"]}
    assert refused(amount="20000.01") == {"amount": ["over_limit"]}
    assert refused(amount="5") == {"_record": ["shrinks"]}


def test_functions_of_the_page_exist() -> None:
    from trellis.formula import functions

    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"\b([A-Z]{4,})\(", text))
    assert named and named <= set(functions())
