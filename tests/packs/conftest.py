"""Tenants with the pack ``crm``: on both databases, and one on SQLite that has the demo data and is only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from support.copies import Copies, OpenCopy, OpenHome

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


def _with_crm(runtime: Runtime) -> None:
    install(runtime.create_tenant("acme", settings=SETTINGS), "crm")


def _with_demo(runtime: Runtime) -> dict[str, int]:
    _with_crm(runtime)
    return load_demo(runtime.tenant("acme"), "crm", today=TODAY)


@pytest.fixture
def crm(open_home: OpenHome) -> Tenant:
    """A tenant with the pack ``crm`` and no records."""
    return open_home("crm", _with_crm, clock=FakeClock(NOW))[0].tenant("acme")


@pytest.fixture
def loaded(open_home: OpenHome) -> tuple[Tenant, dict[str, int]]:
    """A tenant with the demo data, for tests that change them, and how many records of each object were written."""
    runtime, written = open_home("crm with demo", _with_demo, clock=FakeClock(NOW))
    return runtime.tenant("acme"), written


@pytest.fixture(scope="module")
def demo(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A tenant with the demo data on SQLite, for tests that read."""
    clock = FakeClock(NOW)
    built = copies.built("crm with demo", _with_demo, sqlite=True, clock=clock)
    runtime = copies.opened(built, tmp_path_factory.mktemp("demo") / "home", None, clock=clock)
    yield runtime.tenant("acme")
    runtime.close()
