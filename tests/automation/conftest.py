"""A tenant with the sample's objects and a fake clock, built once per database and copied."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.copies import OpenCopy
from support.kernel import publish

from trellis.clock import FakeClock
from trellis.tenant import Tenant

from .sample import OBJECTS

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def _build(tenant: Tenant) -> None:
    publish(tenant, *OBJECTS)


@pytest.fixture
def tenant(open_copy: OpenCopy, clock: FakeClock) -> Tenant:
    return open_copy("automation", _build, clock=clock)
