"""Databases for tests: ``database_url`` is an empty one, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.postgres import Cluster, temporary_cluster

from trellis.runtime import Runtime
from trellis.tenant import Tenant


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this process. Parallel workers have one each, so that none must outlive the others."""
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: Cluster) -> str:
    """URL of the server's maintenance database."""
    return postgres_cluster.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def runtime(tmp_path: Path, database_url: str) -> Iterator[Runtime]:
    """A runtime with an empty home, on each database in turn."""
    runtime = Runtime(tmp_path / "home", database_url=database_url)
    yield runtime
    runtime.close()


@pytest.fixture
def tenant(runtime: Runtime) -> Tenant:
    """A new tenant with nothing but the core objects."""
    return runtime.create_tenant("acme")
