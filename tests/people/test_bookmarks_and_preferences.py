"""What belongs to one user: favourites, what he looked at, what he chose about the interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.kernel import ADMIN, create

from trellis.access import Principal
from trellis.bookmarks import (
    FAVOURITE,
    MAX_FAVOURITES,
    MAX_RECENT,
    RECENT,
    TooManyFavourites,
    bookmarks_of,
    is_favourite,
    set_favourite,
    visited,
)
from trellis.clock import FakeClock
from trellis.preferences import BadPreference, prefer, preferences_of
from trellis.tenant import Tenant


@pytest.fixture
def eve(tenant: Tenant) -> Principal:
    tenant.clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    (user,) = create(tenant, "user", {"name": "Eve", "login": "eve"})
    return Principal("person", user, "Eve")


def listed(tenant: Tenant, principal: Principal, kind: str) -> list[tuple[str, int]]:
    with tenant.database.reading() as connection:
        return bookmarks_of(connection, principal.user, kind)


def look(tenant: Tenant, principal: Principal, *records: int) -> None:
    for record in records:
        visited(tenant, principal, ("deal", record))
        tenant.clock.advance(timedelta(seconds=1))


def test_what_was_looked_at_last_comes_first_and_once(tenant: Tenant, eve: Principal) -> None:
    look(tenant, eve, 1, 2, 1, 1, 3)
    assert listed(tenant, eve, RECENT) == [("deal", 3), ("deal", 1), ("deal", 2)]


def test_only_the_last_records_are_kept(tenant: Tenant, eve: Principal) -> None:
    look(tenant, eve, *range(1, MAX_RECENT + 6))
    assert listed(tenant, eve, RECENT) == [("deal", n) for n in range(MAX_RECENT + 5, 5, -1)]


def test_mark_is_set_and_taken_off_for_one_user_only(tenant: Tenant, eve: Principal) -> None:
    (other,) = create(tenant, "user", {"name": "Bob", "login": "bob"})
    set_favourite(tenant, eve, ("deal", 7), True)
    set_favourite(tenant, eve, ("deal", 7), True)
    with tenant.database.reading() as connection:
        assert is_favourite(connection, eve.user, ("deal", 7))
        assert not is_favourite(connection, other, ("deal", 7))
        assert not is_favourite(connection, eve.user, ("account", 7))
    assert listed(tenant, eve, FAVOURITE) == [("deal", 7)]
    set_favourite(tenant, eve, ("deal", 7), False)
    assert listed(tenant, eve, FAVOURITE) == []


def test_favourites_are_bounded(tenant: Tenant, eve: Principal) -> None:
    for record in range(1, MAX_FAVOURITES + 1):
        set_favourite(tenant, eve, ("deal", record), True)
    with pytest.raises(TooManyFavourites):
        set_favourite(tenant, eve, ("deal", 999), True)
    set_favourite(tenant, eve, ("deal", 1), False)
    set_favourite(tenant, eve, ("deal", 999), True)


def test_choices_are_kept_per_user_and_forgotten(tenant: Tenant, eve: Principal) -> None:
    prefer(tenant, eve, {"language": "zh", "theme": "dark"})
    prefer(tenant, eve, {"theme": "light", "time_zone": "Asia/Shanghai"})
    prefer(tenant, eve, {"language": None})
    with tenant.database.reading() as connection:
        assert preferences_of(connection, eve.user) == {"theme": "light", "time_zone": "Asia/Shanghai"}
        assert preferences_of(connection, eve.user + 1) == {}
        assert preferences_of(connection, None) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"theme": "pink"},
        {"time_zone": "Mars/Base"},
        {"time_zone": "../etc"},
        {"theme": "dark", "language": "xx"},
    ],
)
def test_what_is_not_known_is_refused_and_nothing_is_kept(
    tenant: Tenant, eve: Principal, changes: dict[str, str]
) -> None:
    with pytest.raises(BadPreference):
        prefer(tenant, eve, changes)
    with tenant.database.reading() as connection:
        assert preferences_of(connection, eve.user) == {}


def test_whoever_acts_for_no_user_keeps_nothing(tenant: Tenant, eve: Principal) -> None:
    visited(tenant, ADMIN, ("deal", 1))
    set_favourite(tenant, ADMIN, ("deal", 1), True)
    prefer(tenant, ADMIN, {"theme": "dark"})
    assert listed(tenant, ADMIN, RECENT) == listed(tenant, ADMIN, FAVOURITE) == []
