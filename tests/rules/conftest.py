"""A tenant whose clock stands still: 22 November 2026, 08:00 UTC, in Shanghai."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.copies import OpenCopy

from trellis.clock import FakeClock
from trellis.tenant import Tenant


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    settings = {"time_zone": "Asia/Shanghai", "currency": "CNY", "country": "CN"}
    return open_copy("Shanghai", settings=settings, clock=FakeClock(datetime(2026, 11, 22, 8, tzinfo=UTC)))
