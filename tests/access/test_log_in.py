"""Log-in: passwords, lock-out after ten failures, sessions that end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trellis.access.accounts import LoginFailed, create_user, log_in, log_out, session_of
from trellis.clock import FakeClock
from trellis.runtime import Runtime

PASSWORD = "correct horse"


@pytest.fixture
def tenant(tmp_path: Path, database_url: str) -> Any:
    clock = FakeClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    runtime = Runtime(tmp_path, database_url=database_url, clock=clock)
    tenant = runtime.create_tenant("acme")
    create_user(tenant, login="Ada", name="Ada", password=PASSWORD)
    yield tenant
    runtime.close()


def guess(tenant: Any, times: int) -> None:
    for _ in range(times):
        with pytest.raises(LoginFailed):
            log_in(tenant, "ada", "wrong guess")


def test_ten_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(tenant: Any) -> None:
    guess(tenant, 10)
    with pytest.raises(LoginFailed):
        log_in(tenant, "ada", PASSWORD)
    tenant.clock.advance(timedelta(minutes=15))
    assert log_in(tenant, "ADA", PASSWORD).principal.name == "Ada"


def test_success_starts_the_count_again(tenant: Any) -> None:
    guess(tenant, 9)
    log_in(tenant, "ada", PASSWORD)
    guess(tenant, 9)
    assert log_in(tenant, "ada", PASSWORD)


def test_unknown_login_and_wrong_password_get_one_answer(tenant: Any) -> None:
    messages = set()
    for login in ("ada", "nobody"):
        with pytest.raises(LoginFailed) as caught:
            log_in(tenant, login, "wrong guess")
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_session_ends_when_idle_and_when_logged_out(tenant: Any) -> None:
    first, second = log_in(tenant, "ada", PASSWORD), log_in(tenant, "ada", PASSWORD)
    assert first.key != second.key
    log_out(tenant, first.key)
    assert session_of(tenant, first.key) is None
    assert session_of(tenant, second.key) is not None
    tenant.clock.advance(timedelta(hours=13))
    assert session_of(tenant, second.key) is None
