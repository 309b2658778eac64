"""Rate limits: counted for all processes together, refused in the one error body, none lost and none given twice."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from support.app import World

from trellis.api.limits import BadLimit, RateLimits
from trellis.app import create_app
from trellis.clock import FakeClock
from trellis.runtime import Runtime
from trellis.storage.request_counts import RequestCounts


@pytest.fixture
def limited(world: World) -> World:
    app = create_app(world.runtime, default_tenant="demo", rate_limits=RateLimits("3 per hour", "2 per hour"))
    for client in (world.ada, world.bob, world.eve, world.nobody):
        client.http = app.test_client()
    return world


def test_request_beyond_the_limit_is_refused_with_a_time_to_wait(limited: World) -> None:
    assert [limited.ada.get("/records/account").status_code for _ in range(3)] == [200] * 3
    refused = limited.ada.get("/records/account")
    assert refused.status_code == 429
    assert refused.get_json()["error"]["code"] == "rate_limited"
    assert "3 per 1 hour" in refused.get_json()["error"]["message"]
    assert 3500 <= int(refused.headers["Retry-After"]) <= 3600


def test_one_token_does_not_use_up_anothers_limit(limited: World) -> None:
    for _ in range(4):
        limited.ada.get("/records/account")
    assert limited.bob.get("/openapi.json").status_code == 200


def test_limit_holds_over_several_processes(limited: World) -> None:
    home = limited.runtime.home
    other = Runtime(home, database_url=limited.runtime.database_url)
    app = create_app(other, default_tenant="demo", rate_limits=RateLimits("3 per hour", None))
    again = app.test_client()
    sent = {"Authorization": f"Bearer {limited.ada.token}"}
    answers = [limited.ada.get("/openapi.json").status_code for _ in range(2)]
    answers += [again.get("/api/v1/openapi.json", headers=sent).status_code for _ in range(2)]
    other.close()
    assert answers == [200, 200, 200, 429]


def test_address_that_tries_tokens_is_refused(limited: World) -> None:
    def attempt(token: str) -> int:
        headers = {"Authorization": f"Bearer trl_{token}"}
        return limited.nobody.http.get("/api/v1/openapi.json", headers=headers).status_code

    assert [attempt(t) for t in ("a", "b", "c", "d")] == [401, 401, 429, 429]


def test_refused_tokens_are_counted_by_address_and_good_requests_are_not(limited: World) -> None:
    assert [limited.eve.get("/openapi.json").status_code for _ in range(3)] == [200, 200, 200]
    assert limited.nobody.get("/openapi.json").status_code == 401


def test_probes_are_never_refused(limited: World) -> None:
    assert [limited.nobody.get("/health").status_code for _ in range(5)] == [200] * 5


def test_log_in_is_limited_by_address_whatever_the_login(limited: World) -> None:
    http = limited.nobody.http
    token = http.get("/login").get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]

    def attempt(login: str) -> tuple[int, bool]:
        answer = http.post("/login", data={"login": login, "password": "wrong", "csrf_token": token})
        return answer.status_code, "Retry-After" in answer.headers

    tried = [attempt(f"somebody{n}") for n in range(3)]
    assert [status for status, _ in tried] == [422, 422, 429]
    assert tried[2][1]
    assert http.get("/login").status_code == 200


@pytest.fixture
def counts(runtime: Runtime) -> RequestCounts:
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    return RequestCounts(database=runtime.control, clock=clock)


def test_window_begins_anew_when_it_is_over(counts: RequestCounts) -> None:
    assert [counts.incr("L/x/2/1/minute", 60) for _ in range(3)] == [1, 2, 3]
    counts.clock.advance(timedelta(seconds=60))
    assert counts.incr("L/x/2/1/minute", 60) == 1


def test_no_number_is_given_twice(counts: RequestCounts, runtime: Runtime) -> None:
    others = [RequestCounts(database=runtime.control, clock=counts.clock) for _ in range(3)]
    given: list[int] = []

    def take(store: RequestCounts) -> None:
        given.extend(store.incr("L/x/1000/1/minute", 60) for _ in range(150))

    threads = [threading.Thread(target=take, args=(s,)) for s in (counts, *others) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(given) == len(set(given)) == 1200
    assert min(given) == 1
    assert sum(n <= 1000 for n in given) <= 1000


def test_limits_are_read_from_the_environment() -> None:
    assert RateLimits.from_environment({}) == RateLimits("3000 per minute", "20 per minute")
    found = RateLimits.from_environment({"TRELLIS_API_LIMIT": "off", "TRELLIS_LOGIN_LIMIT": "5 per hour"})
    assert found == RateLimits(None, "5 per hour")
    with pytest.raises(BadLimit, match="TRELLIS_API_LIMIT: found 'often'"):
        RateLimits.from_environment({"TRELLIS_API_LIMIT": "often"})
