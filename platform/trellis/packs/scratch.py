"""Scratch tenants: a throw-away copy of metadata without records, on SQLite, with a clock that can be set."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.storage import control
from trellis.tenant import Tenant
from trellis_metadata.snapshot import Snapshot

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_ORIGIN = "origin"


class Scratch:
    """Makes tenants that have some metadata and no records, each as new."""

    def __init__(self, runtime: Runtime, clock: FakeClock) -> None:
        self.runtime, self.clock = runtime, clock
        self._count = 0

    @contextmanager
    def tenant(self, now: datetime = START) -> Iterator[Tenant]:
        """Yield a new tenant whose clock stands at ``now``."""
        self.clock.set(now)
        self._count += 1
        name = f"scratch{self._count}"
        folder = self.runtime.home / "tenants"
        shutil.copyfile(folder / f"{_ORIGIN}.db", folder / f"{name}.db")
        with self.runtime.control.writing() as connection:
            url = f"sqlite:///{folder / f'{name}.db'}"
            row = {"name": name, "url": url, "schema": None, "status": "active", "created_at": now}
            connection.execute(control.tenant.insert(), row)
        yield self.runtime.tenant(name)


@contextmanager
def scratch(snapshot: Snapshot, settings: Mapping[str, Any] | None = None) -> Iterator[Scratch]:
    """Yield a maker of tenants with the documents of ``snapshot``. Everything is removed at the end.

    Raises what the publisher raises when the documents are not valid.
    """
    clock = FakeClock(START)
    with tempfile.TemporaryDirectory(prefix="trellis-scratch-") as folder:
        runtime = Runtime(Path(folder), clock=clock)
        try:
            tenant = runtime.create_tenant(_ORIGIN, settings=dict(settings or {}))
            plan = tenant.publisher.plan(snapshot)
            tenant.publisher.apply(plan, confirm=plan.hash, note="scratch")
            tenant.close()
            yield Scratch(runtime, clock)
        finally:
            runtime.close()
