"""A tenant with formula fields over relations, other formulas, the clock and the asker; made once, the clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from formula_fields.data import DOCUMENTS, fill
from support.kernel import publish

from trellis.clock import FakeClock
from trellis.tenant import Tenant

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def _build(tenant: Tenant) -> None:
    publish(tenant, *DOCUMENTS)
    fill(tenant)


@pytest.fixture
def sales(open_copy: Callable[[str, Callable[[Tenant], None]], Tenant]) -> Tenant:
    """The tenant with the deals of ``data.py``."""
    tenant = open_copy("sales", _build)
    tenant.clock = FakeClock(NOW)
    return tenant
