"""A tenant whose clock stands still: 22 November 2026, 08:00 UTC, in Shanghai."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.tenant import Tenant


@pytest.fixture
def tenant(tmp_path: Path, database_url: str) -> Iterator[Tenant]:
    runtime = Runtime(tmp_path, database_url=database_url, clock=FakeClock(datetime(2026, 11, 22, 8, tzinfo=UTC)))
    yield runtime.create_tenant("acme", settings={"time_zone": "Asia/Shanghai", "currency": "CNY", "country": "CN"})
    runtime.close()
