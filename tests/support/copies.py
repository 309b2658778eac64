"""Homes that are built once in a process and copied for each test, on both kinds of database.

A new tenant costs 0.3 s of CPU and a published model as much again; a copy costs a tenth of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from support.app import DOCUMENTS, World
from support.postgres import Cluster

from trellis.clock import Clock
from trellis.runtime import Runtime
from trellis.storage import control
from trellis.tenant import Tenant

T = TypeVar("T")


def nothing(tenant: Tenant) -> None:
    """Leave a new tenant as it is."""


class OpenHome(Protocol):
    """The fixture ``open_home``."""

    def __call__(self, name: str, work: Callable[[Runtime], T], *, clock: Clock | None = None) -> tuple[Runtime, T]: ...


class OpenCopy(Protocol):
    """The fixture ``open_copy``."""

    def __call__(
        self,
        name: str = "core",
        work: Callable[[Tenant], object] = nothing,
        *,
        settings: dict[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> Tenant: ...


@dataclass(frozen=True, slots=True)
class Built:
    """A closed home, the PostgreSQL database beside it if there is one, and what its builder returned."""

    home: Path
    url: str | None
    result: Any


class OpenWorld(Protocol):
    """The fixture ``open_world``."""

    def __call__(self, documents: list[dict[str, Any]] = DOCUMENTS) -> World: ...


class Copies:
    """What was built for all tests of the process. ``folder`` gives a new folder, ``cluster`` the PostgreSQL server."""

    def __init__(self, folder: Callable[[], Path], cluster: Callable[[], Cluster]) -> None:
        self._folder, self._cluster = folder, cluster
        self._built: dict[tuple[bool, str, str], Built] = {}

    def built(self, name: str, work: Callable[[Runtime], Any], *, sqlite: bool, clock: Clock | None) -> Built:
        """Return what ``work`` has made under ``name``; the first call runs it.

        Another function, even of the same name, builds its own.
        """
        inner = getattr(work, "func", work)  # of a functools.partial
        key = (sqlite, name, f"{inner.__module__}.{inner.__qualname__}")
        if key not in self._built:
            home = self._folder()
            url = None if sqlite else self._cluster().create_database()
            runtime = Runtime(home, database_url=url, clock=clock)
            try:
                self._built[key] = Built(home, url, work(runtime))
            finally:
                runtime.close()
        return self._built[key]

    def opened(self, built: Built, place: Path, url: str | None, *, clock: Clock | None) -> Runtime:
        """Return a runtime over a copy of ``built`` in the new folder ``place`` and the new database ``url``."""
        shutil.copytree(built.home, place)
        if url is not None and built.url is not None:
            self._cluster().copy_database(built.url, url)
        runtime = Runtime(place, database_url=url, clock=clock)
        here = control.tenant.c.url
        moved = sa.literal(url) if url else sa.func.replace(here, str(built.home), str(place))
        with runtime.control.writing() as connection:
            connection.execute(control.tenant.update().values(url=moved))
        return runtime
