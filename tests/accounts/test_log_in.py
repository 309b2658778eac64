"""Log-in: passwords, pauses that strangers cannot turn against somebody, sessions that end, keys that are renewed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.office import AWAY, HERE, PASSWORD, Office

from trellis.access.accounts import LoginFailed, give_account, log_out, session_of
from trellis.accounts.acting import begin_acting, end_acting
from trellis.accounts.changing import change_password, demand_change
from trellis.accounts.origin import Origin
from trellis.accounts.passwords import WeakPassword, check_password
from trellis.accounts.pauses import EVERYWHERE, LONGEST, LoginPaused, Scope, pause_after
from trellis.accounts.policy import BadSecuritySetting, change_policy
from trellis.accounts.sessions import UnknownSession, end_session, find_session, sessions_of


def guess(office: Office, times: int, origin: Origin = HERE, login: str = "bob") -> list[str]:
    found = []
    for _ in range(times):
        with pytest.raises(LoginFailed) as caught:
            office.log_in(login, "wrong guess", origin)
        found.append(caught.value.code)
    return found


def test_sixth_wrong_password_costs_a_pause_that_grows(office: Office) -> None:
    assert guess(office, 7) == ["login_failed"] * 6 + ["login_paused"]
    with pytest.raises(LoginPaused) as caught:
        office.log_in("bob")
    assert caught.value.details == {"wait_s": 15}
    office.wait(seconds=15)
    assert office.log_in("bob").principal.name == "Bob Babbage"
    assert guess(office, 6) == ["login_failed"] * 6


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    here = Scope("x", 5, LONGEST)
    waits = [pause_after(n, here) for n in range(5, 14)]
    assert waits == [None, *(timedelta(seconds=15 * 2**n) for n in range(6)), LONGEST, LONGEST]


def test_strangers_do_not_lock_a_person_out_of_a_known_browser(office: Office) -> None:
    known = Origin("192.0.2.7", "Firefox", office.log_in("bob").browser)
    for n in range(40):
        guess(office, 1, Origin(f"203.0.113.{n}", "curl", ""))
    with pytest.raises(LoginPaused):
        office.log_in("bob", origin=AWAY)
    assert office.log_in("bob", origin=known).principal.name == "Bob Babbage"


def test_guesses_from_everywhere_are_held_to_one_a_minute(office: Office) -> None:
    codes = [guess(office, 1, Origin(f"203.0.113.{n}", "curl", ""))[0] for n in range(30)]
    assert codes.count("login_failed") == 21
    office.wait(seconds=EVERYWHERE.total_seconds())
    later = [guess(office, 1, Origin(f"203.0.113.{n}", "curl", ""))[0] for n in range(100, 103)]
    assert later == ["login_failed", "login_paused", "login_paused"]


def test_a_browser_that_is_known_of_somebody_else_counts_as_unknown(office: Office) -> None:
    eves = Origin("203.0.113.5", "curl", office.log_in("eve").browser)
    for n in range(21):
        guess(office, 1, Origin(f"203.0.113.{n}", "curl", ""))
    assert guess(office, 1, eves) == ["login_paused"]


@pytest.mark.parametrize("login", ["bob", "nobody"])
def test_unknown_login_and_wrong_password_get_the_same_answers(office: Office, login: str) -> None:
    said = []
    for _ in range(7):
        with pytest.raises(LoginFailed) as caught:
            office.log_in(login, "wrong guess")
        said.append(str(caught.value))
    assert said == ["Login or password is wrong."] * 6 + ["Too many attempts. Wait 15 seconds and try again."]


def test_log_ins_and_failures_are_in_the_audit_without_what_was_typed(office: Office) -> None:
    guess(office, 6)
    guess(office, 1, login="hunter2 is my password")
    office.wait(seconds=15)
    log_out(office.tenant, office.log_in("BOB").key, HERE)
    rows = office.audit("logged_in", "log_in_failed", "log_in_paused", "logged_out")
    assert [r["kind"] for r in rows] == [
        *["log_in_failed"] * 5,
        "log_in_paused",
        "log_in_failed",
        "logged_in",
        "logged_out",
    ]
    assert {r["address"] for r in rows} == {HERE.address}
    assert rows[-2]["actor"] == office.number("bob") and rows[0]["record"] == office.number("bob")
    assert "hunter2" not in str(rows)


def test_session_ends_when_idle_when_old_and_when_logged_out(office: Office) -> None:
    first, second = office.log_in("bob"), office.log_in("bob")
    assert first.key != second.key
    log_out(office.tenant, first.key)
    assert session_of(office.tenant, first.key) is None
    office.wait(hours=11)
    assert session_of(office.tenant, second.key) is not None
    office.wait(hours=13)
    assert session_of(office.tenant, second.key) is None
    third = office.log_in("bob")
    for _ in range(29):
        office.wait(hours=11.5)
        assert session_of(office.tenant, third.key) is not None
    office.wait(hours=11)
    assert session_of(office.tenant, third.key) is None


def test_settings_shorten_sessions_and_are_refused_outside_their_range(office: Office) -> None:
    change_policy(office.tenant, office.person("ada"), {"session_idle_minutes": 30, "session_days": 1})
    session = office.log_in("bob")
    office.wait(minutes=31)
    assert session_of(office.tenant, session.key) is None
    with pytest.raises(BadSecuritySetting) as caught:
        change_policy(office.tenant, office.person("ada"), {"session_days": 0, "sesion_days": 3, "acting": "no"})
    assert len(caught.value.details["problems"]) == 3
    assert office.audit("security_changed")[0]["detail"]["settings"]["session_days"] == 1


def test_key_from_before_the_log_in_is_worth_nothing_after_it(office: Office) -> None:
    """Session fixation: a key that was planted in the browser never becomes the key of a session that is logged in."""
    planted = office.log_in("eve")
    session = office.log_in("bob", previous=planted.key)
    assert session.key != planted.key
    assert find_session(office.tenant, planted.key) is None
    assert office.log_in("bob", previous="made up by a stranger").key != "made up by a stranger"


def test_key_is_renewed_whenever_rights_grow(office: Office) -> None:
    session = office.log_in("ada")
    acting = begin_acting(office.tenant, session, office.number("bob"), "looking at ticket 12")
    back = end_acting(office.tenant, acting)
    changed = change_password(office.tenant, back, PASSWORD, "an entirely other phrase")
    assert len({session.key, acting.key, back.key, changed.key}) == 4
    assert [session_of(office.tenant, s.key) is not None for s in (session, acting, back, changed)] == [False] * 3 + [
        True
    ]


def test_sessions_are_listed_with_what_is_known_of_them_and_end_one_by_one(office: Office) -> None:
    mine, other = office.log_in("bob"), office.log_in("bob", origin=AWAY)
    with office.tenant.database.reading() as connection:
        listed = sessions_of(office.tenant, connection, office.number("bob"), mine.key)
    assert {(s.address, s.agent, s.current) for s in listed} == {
        (HERE.address, "Firefox", True),
        (AWAY.address, "curl", False),
    }
    away = next(s.id for s in listed if not s.current)
    with pytest.raises(UnknownSession):
        end_session(office.tenant, office.number("eve"), away, office.person("eve"))
    end_session(office.tenant, office.number("bob"), away, office.person("bob"))
    assert session_of(office.tenant, other.key) is None
    assert session_of(office.tenant, mine.key) is not None


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 201,
        "password1234",
        "qwertyuiop12",
        "my bob is great",
        "Corvid Trading 7",
        "aaaaaaaaaaaaaa",
        "bob@example.com!",
    ],
)
def test_passwords_that_guessers_try_first_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, least=10, own=("bobb", "Bob is Great", "bob@example.com", "Corvid Trading"))


@pytest.mark.parametrize(
    "password", ["correct horse battery", "天地玄黄宇宙洪荒日月盈昃", "alllowercasebutodd zebra", "8&x!Zq0}w#"]
)
def test_passwords_need_no_composition(password: str) -> None:
    check_password(password, least=10, own=("bob",))


def test_new_password_asks_for_the_old_one_and_ends_other_sessions(office: Office) -> None:
    session, other = office.log_in("bob"), office.log_in("bob", origin=AWAY)
    with pytest.raises(LoginFailed):
        change_password(office.tenant, session, "not the old one", "an entirely other phrase")
    with pytest.raises(WeakPassword):
        change_password(office.tenant, session, PASSWORD, "bob babbage")
    renewed = change_password(office.tenant, session, PASSWORD, "an entirely other phrase")
    assert session_of(office.tenant, other.key) is None and session_of(office.tenant, renewed.key) is not None
    with pytest.raises(LoginFailed):
        office.log_in("bob")
    assert office.log_in("bob", "an entirely other phrase")


def test_first_log_in_asks_for_a_new_password_and_opens_nothing_else(office: Office) -> None:
    demand_change(office.tenant, office.number("bob"))
    session = office.log_in("bob")
    assert session.pending == "password" and session_of(office.tenant, session.key) is None
    renewed = change_password(office.tenant, session, PASSWORD, "an entirely other phrase")
    assert renewed.pending is None and session_of(office.tenant, renewed.key) is not None
    assert office.log_in("bob", "an entirely other phrase").pending is None


def test_who_is_deactivated_or_gets_another_password_loses_his_sessions(office: Office) -> None:
    session = office.log_in("bob")
    give_account(office.tenant, office.number("bob"), "bob", password="a password from the admin")
    assert session_of(office.tenant, session.key) is None
