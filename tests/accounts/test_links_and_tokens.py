"""One-time links work once, for a while; tokens have scopes, an end, and are revoked at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.office import AWAY, PASSWORD, Office, enrol

from trellis.access.accounts import create_token, principal_of_token, session_of
from trellis.accounts.changing import change_password, choose_password
from trellis.accounts.links import MOST_OPEN, BadLink, ask_for_link, link_for, make_link
from trellis.accounts.passwords import WeakPassword
from trellis.accounts.policy import change_policy
from trellis.accounts.tokens import BadExpiry, BadScope, UnknownToken, revoke_token, tokens_of
from trellis.jobs import Worker

NEW = "an entirely other phrase"


def works(office: Office, token: str) -> bool:
    with office.tenant.database.reading() as connection:
        return principal_of_token(office.tenant, connection, token) is not None


def test_link_sets_a_password_once(office: Office) -> None:
    before, token = office.log_in("bob"), create_token(office.tenant, office.number("bob"), "x")
    key = make_link(office.tenant, office.number("bob"), office.person("ada"))
    with pytest.raises(WeakPassword):
        choose_password(office.tenant, key, "short")
    session = choose_password(office.tenant, key, NEW)
    assert session_of(office.tenant, session.key) is not None
    assert session_of(office.tenant, before.key) is None and not works(office, token)
    with pytest.raises(BadLink):
        choose_password(office.tenant, key, "yet another odd phrase")
    assert office.log_in("bob", NEW)


def test_link_runs_out_and_a_new_one_ends_the_old_one(office: Office) -> None:
    first = make_link(office.tenant, office.number("bob"))
    second = make_link(office.tenant, office.number("bob"))
    with pytest.raises(BadLink):
        choose_password(office.tenant, first, NEW)
    office.wait(hours=24)
    with pytest.raises(BadLink):
        choose_password(office.tenant, second, NEW)


def test_new_password_ends_links_that_are_open(office: Office) -> None:
    key = make_link(office.tenant, office.number("bob"))
    change_password(office.tenant, office.log_in("bob"), PASSWORD, NEW)
    with pytest.raises(BadLink):
        choose_password(office.tenant, key, "yet another odd phrase")


def test_link_does_not_pass_the_second_factor(office: Office) -> None:
    enrol(office)
    session = choose_password(office.tenant, make_link(office.tenant, office.number("bob")), NEW)
    assert session.pending == "second_factor" and session_of(office.tenant, session.key) is None


def test_link_is_stored_as_a_digest(office: Office) -> None:
    key = make_link(office.tenant, office.number("bob"))
    with office.tenant.database.reading() as connection:
        assert key not in str(connection.exec_driver_sql("SELECT * FROM t_one_time_link").all())


def test_asking_is_answered_alike_and_makes_links_only_for_people(office: Office) -> None:
    for login in ("bob", "nobody"):
        assert ask_for_link(office.tenant, login) is None
    Worker(office.tenant).run_until_idle()
    with office.tenant.database.writing() as connection:
        assert link_for(office.tenant, connection, "nobody") is None
        found = [link_for(office.tenant, connection, "bob") for _ in range(MOST_OPEN + 2)]
    assert [f is not None for f in found] == [True] * MOST_OPEN + [False] * 2


def test_new_password_ends_tokens_on_choice(office: Office) -> None:
    kept = create_token(office.tenant, office.number("bob"), "kept")
    session = change_password(office.tenant, office.log_in("bob"), PASSWORD, NEW)
    assert works(office, kept)
    change_password(office.tenant, session, NEW, "yet another odd phrase", end_tokens=True)
    assert not works(office, kept)


def test_token_has_scopes_an_end_and_a_last_use(office: Office) -> None:
    bob = office.number("bob")
    for scopes in (["reed"], []):
        with pytest.raises(BadScope):
            create_token(office.tenant, bob, "x", scopes)
    with pytest.raises(BadExpiry):
        create_token(office.tenant, bob, "x", ["read"], office.clock.now())
    token = create_token(office.tenant, bob, "report", ["read"], office.clock.now() + timedelta(days=1))
    with office.tenant.database.reading() as connection:
        listed = tokens_of(connection, bob)
    assert [(t.label, t.scopes, t.used_at) for t in listed] == [("report", ("read",), None)]
    assert token not in str(listed) and works(office, token)
    office.wait(days=1)
    assert not works(office, token)


def test_settings_limit_the_life_of_tokens(office: Office) -> None:
    change_policy(office.tenant, office.person("ada"), {"token_days": 30})
    with pytest.raises(BadExpiry):
        create_token(office.tenant, office.number("bob"), "x", ["read"], office.clock.now() + timedelta(days=31))
    token = create_token(office.tenant, office.number("bob"), "x", ["read"])
    office.wait(days=31)
    assert not works(office, token)


def test_revoked_token_ends_at_once_and_only_its_owner_has_it(office: Office) -> None:
    token = create_token(office.tenant, office.number("bob"), "x")
    with office.tenant.database.reading() as connection:
        id = tokens_of(connection, office.number("bob"))[0].id
    with pytest.raises(UnknownToken):
        revoke_token(office.tenant, office.number("eve"), id, office.person("eve"))
    revoke_token(office.tenant, office.number("bob"), id, office.person("bob"))
    assert not works(office, token)
    assert [r["kind"] for r in office.audit("token_made", "token_revoked")] == ["token_made", "token_revoked"]
    assert token not in str(office.audit())


def test_everything_open_ends_with_another_password_by_an_administrator(office: Office) -> None:
    from trellis.access.accounts import give_account

    session, token = office.log_in("bob", origin=AWAY), create_token(office.tenant, office.number("bob"), "x")
    give_account(office.tenant, office.number("bob"), "bob", password=NEW, by=office.person("ada"))
    assert session_of(office.tenant, session.key) is None and not works(office, token)
