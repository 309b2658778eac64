"""The second factor: codes are taken once, recovery codes too; who must have one gets nowhere without it."""

from __future__ import annotations

import pyotp
import pytest
from support.office import AWAY, PASSWORD, Office, enrol

from trellis.access.accounts import LoginFailed, session_of
from trellis.accounts import second_factor
from trellis.accounts.acting import begin_acting
from trellis.accounts.changing import remove_factor
from trellis.accounts.logging_in import pass_second_factor, prove
from trellis.accounts.pauses import LoginPaused
from trellis.accounts.policy import change_policy
from trellis.accounts.second_factor import WrongCode
from trellis.accounts.sessions import ProofNeeded, demand_proof

# RFC 6238, appendix B: SHA-1, eight digits, of which an authenticator shows the last six.
RFC_SECRET, RFC_CODES = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", {59: "287082", 1111111109: "081804", 1234567890: "005924"}


def test_codes_are_those_of_the_standard() -> None:
    assert {t: pyotp.TOTP(RFC_SECRET).at(t) for t in RFC_CODES} == RFC_CODES


def test_session_opens_only_after_the_code(office: Office) -> None:
    _, totp, _ = enrol(office)
    session = office.log_in("bob")
    assert session.pending == "second_factor" and session_of(office.tenant, session.key) is None
    with pytest.raises(WrongCode):
        pass_second_factor(office.tenant, session, "000000")
    passed = pass_second_factor(office.tenant, session, totp.at(office.clock.now()))
    assert passed.key != session.key
    assert session_of(office.tenant, passed.key) is not None and session_of(office.tenant, session.key) is None
    assert [r["detail"].get("second_factor") for r in office.audit("logged_in")] == [False, True]


def test_a_code_is_taken_once_and_never_an_older_one(office: Office) -> None:
    _, totp, _ = enrol(office)
    code, earlier = totp.at(office.clock.now()), totp.at(office.clock.now().timestamp() - 30)
    pass_second_factor(office.tenant, office.log_in("bob"), code)
    for used in (code, earlier):
        with pytest.raises(WrongCode):
            pass_second_factor(office.tenant, office.log_in("bob"), used)
    office.wait(seconds=30)
    pass_second_factor(office.tenant, office.log_in("bob"), totp.at(office.clock.now()))


def test_a_code_is_good_for_one_step_before_and_after(office: Office) -> None:
    _, totp, _ = enrol(office)
    now = office.clock.now().timestamp()
    for offset in (-61, 61):
        with pytest.raises(WrongCode):
            pass_second_factor(office.tenant, office.log_in("bob"), totp.at(now + offset))
    pass_second_factor(office.tenant, office.log_in("bob"), totp.at(now + 30))


def test_wrong_codes_cost_pauses_whatever_the_session(office: Office) -> None:
    _, totp, _ = enrol(office)
    for _ in range(6):
        with pytest.raises(WrongCode):
            pass_second_factor(office.tenant, office.log_in("bob"), "000000")
    with pytest.raises(LoginPaused):
        pass_second_factor(office.tenant, office.log_in("bob"), totp.at(office.clock.now()))


def test_recovery_code_works_once(office: Office) -> None:
    _, _, codes = enrol(office)
    assert len(set(codes)) == 10
    pass_second_factor(office.tenant, office.log_in("bob"), codes[3].lower().replace("-", " "))
    with pytest.raises(WrongCode):
        pass_second_factor(office.tenant, office.log_in("bob"), codes[3])
    with office.tenant.database.reading() as connection:
        assert second_factor.codes_left(connection, office.number("bob")) == 9
    assert office.audit("recovery_code_used")[0]["detail"] == {"left": 9}


@pytest.mark.parametrize("made_up", ["", "0", "3AAAA-BBBBB-CCCCC", "x" * 500, "１２３４５６"])
def test_made_up_codes_are_refused(office: Office, made_up: str) -> None:
    enrol(office)
    with pytest.raises(WrongCode):
        pass_second_factor(office.tenant, office.log_in("bob"), made_up)


def test_stored_secret_and_codes_cannot_be_read(office: Office) -> None:
    _, totp, codes = enrol(office)
    with office.tenant.database.reading() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM t_second_factor").all())
        stored += str(connection.exec_driver_sql("SELECT * FROM t_recovery_code").all())
    assert totp.secret not in stored and not any(c in stored for c in codes)


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({"second_factor": "everybody"}, {"ada", "bob"}),
        ({"second_factor": "administrators"}, {"ada"}),
        ({"second_factor_sets": ["standard"]}, {"bob"}),
        ({}, set()),
    ],
)
def test_who_must_have_a_second_factor_gets_nowhere_without(
    office: Office, rule: dict[str, object], asked: set[str]
) -> None:
    change_policy(office.tenant, office.person("ada"), rule)
    sessions = {login: office.log_in(login) for login in ("ada", "bob")}
    assert {login for login, s in sessions.items() if s.pending == "enrol"} == asked
    assert all(session_of(office.tenant, sessions[login].key) is None for login in asked)


def test_enrolment_at_log_in_opens_the_session(office: Office) -> None:
    change_policy(office.tenant, office.person("ada"), {"second_factor": "everybody"})
    session, _, _ = enrol(office)
    assert session.pending is None and session_of(office.tenant, session.key) is not None


def test_security_is_changed_only_shortly_after_a_proof(office: Office) -> None:
    session, totp, _ = enrol(office)
    office.wait(minutes=11)
    with pytest.raises(ProofNeeded):
        demand_proof(office.tenant, session)
    with pytest.raises(LoginFailed):
        prove(office.tenant, session, "wrong guess", totp.at(office.clock.now()))
    with pytest.raises(WrongCode):
        prove(office.tenant, session, PASSWORD, "000000")
    proved = prove(office.tenant, session, PASSWORD, totp.at(office.clock.now()))
    demand_proof(office.tenant, proved)


def test_nobody_proves_anything_for_the_one_he_acts_as(office: Office) -> None:
    acting = begin_acting(office.tenant, office.log_in("ada"), office.number("bob"), "looking at ticket 12")
    with pytest.raises(ProofNeeded):
        prove(office.tenant, acting, PASSWORD)
    with pytest.raises(ProofNeeded):
        demand_proof(office.tenant, acting)


def test_new_factor_ends_other_sessions_and_an_administrator_can_remove_it(office: Office) -> None:
    other = office.log_in("bob", origin=AWAY)
    session, _, _ = enrol(office)
    assert session_of(office.tenant, other.key) is None
    assert remove_factor(office.tenant, office.number("bob"), office.person("ada"))
    assert session_of(office.tenant, session.key) is None
    assert office.log_in("bob").pending is None
    assert [r["kind"] for r in office.audit("second_factor_set", "second_factor_removed")] == [
        "second_factor_set",
        "second_factor_removed",
    ]
