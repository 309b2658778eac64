"""A tenant per test with a fake clock, on each database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.copies import OpenHome

from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.tenant import Tenant


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def opened(open_home: OpenHome, clock: FakeClock) -> tuple[Runtime, Tenant]:
    runtime, name = open_home("pipelines", lambda runtime: runtime.create_tenant("acme").name, clock=clock)
    return runtime, runtime.tenant(name)


@pytest.fixture
def runtime(opened: tuple[Runtime, Tenant]) -> Runtime:
    return opened[0]


@pytest.fixture
def tenant(opened: tuple[Runtime, Tenant]) -> Tenant:
    return opened[1]
