"""Databases for tests: ``database_url`` is an empty one, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.postgres import Cluster, temporary_cluster

from trellis.runtime import Runtime
from trellis.storage import control
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


Build = Callable[[Tenant], None]
OpenCopy = Callable[[str, Build], Tenant]


@pytest.fixture(scope="session")
def built_once() -> dict[tuple[bool, str], tuple[Path, str]]:
    """Home and database of what was built for all tests of the session, by kind of database and name."""
    return {}


@pytest.fixture
def open_copy(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    database_url: str,
    built_once: dict[tuple[bool, str], tuple[Path, str]],
) -> Iterator[OpenCopy]:
    """Call with a name and a function to get a tenant on which the function has worked, made once and copied after."""
    opened: list[Runtime] = []
    is_sqlite = database_url.startswith("sqlite")

    def build(name: str, work: Build) -> None:
        home = tmp_path_factory.mktemp("built")
        url = database_url if is_sqlite else request.getfixturevalue("postgres_cluster").create_database()
        runtime = Runtime(home, database_url=url)
        work(runtime.create_tenant("acme"))
        runtime.close()
        built_once[is_sqlite, name] = (home, url)

    def copy(name: str, work: Build) -> Tenant:
        if (is_sqlite, name) not in built_once:
            build(name, work)
        home, url = built_once[is_sqlite, name]
        place = tmp_path / "home"
        shutil.copytree(home, place)
        new_url = f"sqlite:///{place / 'tenants' / 'acme.db'}" if is_sqlite else database_url
        if not is_sqlite:
            request.getfixturevalue("postgres_cluster").copy_database(url, database_url)
        runtime = Runtime(place, database_url=database_url)
        opened.append(runtime)
        with runtime.control.writing() as connection:
            connection.execute(control.tenant.update().values(url=new_url))
        return runtime.tenant("acme")

    yield copy
    for runtime in opened:
        runtime.close()


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    """A new tenant with nothing but the core objects."""
    return open_copy("core", lambda tenant: None)
