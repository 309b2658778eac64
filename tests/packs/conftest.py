"""Tenants with the pack ``crm``: on both databases, and one on SQLite that has the demo data and is only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from support.copies import OpenCopy

from trellis.clock import FakeClock
from trellis.packs import install, load_demo
from trellis.runtime import Runtime
from trellis.tenant import Tenant

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SETTINGS = {"currency": "CNY", "country": "CN", "time_zone": "Asia/Shanghai"}


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    """An empty tenant."""
    return open_copy("China", settings=SETTINGS, clock=FakeClock(NOW))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A tenant with the demo data, for tests that read."""
    runtime = Runtime(tmp_path_factory.mktemp("demo"), clock=FakeClock(NOW))
    tenant = runtime.create_tenant("acme", settings=SETTINGS)
    install(tenant, "crm")
    load_demo(tenant, "crm", today=TODAY)
    yield tenant
    runtime.close()
