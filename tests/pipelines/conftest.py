"""A tenant per test with a fake clock, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.tenant import Tenant


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def tenant(tmp_path: Path, database_url: str | None, clock: FakeClock) -> Iterator[Tenant]:
    runtime = Runtime(tmp_path, database_url=database_url, clock=clock)
    yield runtime.create_tenant("acme")
    runtime.close()
