"""A tenant with a few objects, on SQLite and PostgreSQL in turn."""

from __future__ import annotations

from typing import Any

import pytest
from support.copies import OpenHome

from trellis.runtime import Runtime
from trellis.tenant import Tenant

ACCOUNT: dict[str, Any] = {
    "kind": "object",
    "name": "account",
    "label": {"en": "Account", "zh": "客户"},
    "fields": [
        {"name": "name", "type": "text", "required": True, "label": {"en": "Account name", "zh": "客户名称"}},
        {"name": "code", "type": "text", "unique": True},
        {"name": "parent", "type": "lookup", "target": "account"},
        {"name": "address", "type": "address"},
    ],
}
DEAL: dict[str, Any] = {
    "kind": "object",
    "name": "deal",
    "label": "Deal",
    "fields": [
        {"name": "name", "type": "text", "required": True},
        {"name": "number", "type": "text", "unique": True},
        {"name": "amount", "type": "currency"},
        {"name": "close_date", "type": "date"},
        {
            "name": "stage",
            "type": "picklist",
            "restricted": True,
            "options": [
                {"name": "open", "label": {"en": "Open", "zh": "进行中"}},
                {"name": "won", "label": {"en": "Won", "zh": "赢单"}},
            ],
        },
        {"name": "account", "type": "lookup", "target": "account", "relationship": "deals"},
        {"name": "note", "type": "long_text"},
    ],
}


@pytest.fixture
def runtime(open_home: OpenHome) -> Runtime:
    def build(runtime: Runtime) -> None:
        tenant = runtime.create_tenant("shop")
        tenant.publisher.apply(tenant.publisher.plan_documents([ACCOUNT, DEAL]))

    return open_home("exchange", build)[0]


@pytest.fixture
def tenant(runtime: Runtime) -> Tenant:
    return runtime.tenant("shop")
