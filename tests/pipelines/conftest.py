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
def runtime(tmp_path: Path, database_url: str | None, clock: FakeClock) -> Iterator[Runtime]:
    opened = Runtime(tmp_path, database_url=database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def tenant(runtime: Runtime) -> Tenant:
    return runtime.create_tenant("acme")
