"""Databases for tests: ``database_url`` is an empty one, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.app import DOCUMENTS, World, people, world_of
from support.copies import Copies, OpenCopy, OpenHome, OpenWorld, nothing
from support.postgres import Cluster, temporary_cluster

from trellis.clock import Clock
from trellis.runtime import Runtime
from trellis.tenant import Tenant

T = TypeVar("T")


CORE = ("transaction", "query", "storage")
"""Folders whose tests on PostgreSQL belong to ``make check``: the write path, the query, the tables."""


MINUTES = ("test_killed_workers.py", "test_killed_processes.py")
"""Files whose tests wait for processes: the last of them would keep the other worker waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on PostgreSQL, and what of it the loop runs; begin with what takes minutes, so that nobody waits for it."""
    items.sort(key=lambda item: item.path.name not in MINUTES)
    for item in items:
        if "postgresql" in item.name:
            item.add_marker("postgresql")
            if item.path.parent.name in CORE:
                item.add_marker("core")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this process. Parallel workers have one each, so that none must outlive the others."""
    # No vacuum by itself: it would look into each of some thousand databases.
    with temporary_cluster(autovacuum="off") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: Cluster) -> str:
    """URL of the server's maintenance database."""
    return postgres_cluster.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, on SQLite and on PostgreSQL in turn.

    On PostgreSQL it does not exist yet in a test that uses ``open_home``, which puts a copy in its place.
    """
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    url = cluster.new_url() if "open_home" in request.fixturenames else cluster.create_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def runtime(tmp_path: Path, database_url: str) -> Iterator[Runtime]:
    """A runtime with an empty home, on each database in turn."""
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def copies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """What is built once for all tests of the process."""
    return Copies(lambda: tmp_path_factory.mktemp("built"), lambda: request.getfixturevalue("postgres_cluster"))


@pytest.fixture
def open_home(tmp_path: Path, database_url: str, copies: Copies) -> Iterator[OpenHome]:
    """Call with a name and a function to get a runtime on which the function has worked, and what it returned.

    The function runs once in a process; each test gets a copy. ``clock`` is the clock of both.
    """
    sqlite = database_url.startswith("sqlite")
    opened: list[Runtime] = []

    def copy(name: str, work: Callable[[Runtime], T], *, clock: Clock | None = None) -> tuple[Runtime, T]:
        assert not opened, "one test opens one copy"
        built = copies.built(name, work, sqlite=sqlite, clock=clock)
        opened.append(copies.opened(built, tmp_path / "home", None if sqlite else database_url, clock=clock))
        return opened[0], built.result

    yield copy
    for runtime in opened:
        runtime.close()


@pytest.fixture
def open_copy(open_home: OpenHome) -> OpenCopy:
    """Call with a name and a function to get a tenant on which the function has worked, made once and copied after.

    ``settings`` are those of the new tenant, ``clock`` is the clock of the building and of the copy.
    """

    def copy(
        name: str = "core",
        work: Callable[[Tenant], object] = nothing,
        *,
        settings: dict[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> Tenant:
        def build(runtime: Runtime) -> None:
            work(runtime.create_tenant("acme", settings=settings))

        build.__module__, build.__qualname__ = work.__module__, work.__qualname__
        return open_home(name, build, clock=clock)[0].tenant("acme")

    return copy


@pytest.fixture
def open_world(open_home: OpenHome) -> OpenWorld:
    """Call to get the tenant ``demo`` of ``support.app`` behind the API; with documents for other objects."""

    def copy(documents: list[dict[str, Any]] = DOCUMENTS) -> World:
        return world_of(*open_home(f"world of {documents}", partial(people, documents)))

    return copy


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    """A new tenant with nothing but the core objects."""
    return open_copy()
