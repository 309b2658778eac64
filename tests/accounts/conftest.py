"""``office``: a tenant with an administrator (``ada``), two people (``bob``, ``eve``) and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from support.copies import OpenHome
from support.office import START, Office, people

from trellis.accounts import passwords
from trellis.app import create_app
from trellis.clock import FakeClock
from trellis.runtime import Runtime


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Let argon2id cost little: tests of guessing hash some hundred times. Its parameters have a test of their own."""
    usual = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(passwords, "_hasher", lambda: cheap)
        passwords._nobody.cache_clear()
        yield
    passwords._nobody.cache_clear()
    assert passwords._hasher is usual


def _build(runtime: Runtime) -> None:
    people(runtime.create_tenant("acme", settings={"organisation": "Corvid Trading"}))


@pytest.fixture
def office(open_home: OpenHome) -> Office:
    clock = FakeClock(START)
    runtime, _ = open_home("accounts.office", _build, clock=clock)
    return Office(runtime.tenant("acme"), clock, runtime)


@pytest.fixture
def pages(office: Office) -> Callable[[], FlaskClient]:
    """Call to get a new browser of the whole application, without the token of forms (it has tests of its own)."""
    app = create_app(office.runtime, default_tenant="acme")
    app.config.update(TESTING=True, TRELLIS_CSRF=False, PROPAGATE_EXCEPTIONS=False)
    return app.test_client
