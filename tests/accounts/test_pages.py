"""Pages of accounts: log-in with all its steps, one's own security, administration, offboarding, acting as somebody, audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pyotp
import pytest
from flask.testing import FlaskClient
from support.kernel import create, obj, publish
from support.office import PASSWORD, Office, enrol

from trellis.access.accounts import session_of
from trellis.accounts.changing import demand_change
from trellis.accounts.links import make_link
from trellis.accounts.policy import change_policy, policy_of
from trellis.api.context import COOKIE
from trellis.app import create_app
from trellis.jobs import Worker
from trellis.record_id import format_id

NEW = "an entirely other phrase"
Pages = Callable[[], FlaskClient]


def enter(browser: FlaskClient, login: str, password: str = PASSWORD, **more: str) -> str:
    """Log in; return where it leads."""
    answered = browser.post("/login", data={"login": login, "password": password, **more})
    assert answered.status_code == 303, answered.text
    return str(answered.location)


def person(office: Office, login: str) -> str:
    return f"/setup/people/{format_id('user', office.number(login))}"


def test_log_in_goes_on_to_where_one_wanted_but_never_elsewhere(pages: Pages) -> None:
    assert enter(pages(), "bob", next="/o/user") == "/o/user"
    for evil in (
        "//evil.example.com",
        "https://evil.example.com",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "/\t/evil",
    ):
        assert enter(pages(), "bob", next=evil) == "/"


def test_planted_cookie_is_replaced_and_worth_nothing(pages: Pages) -> None:
    browser = pages()
    browser.set_cookie(COOKIE, "planted by a stranger")
    enter(browser, "bob")
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None and cookie.value != "planted by a stranger" and cookie.http_only
    assert cookie.same_site == "Lax"


def test_pauses_are_told_in_words(pages: Pages) -> None:
    browser = pages()
    for _ in range(6):
        assert browser.post("/login", data={"login": "bob", "password": "wrong guess"}).status_code == 422
    paused = browser.post("/login", data={"login": "bob", "password": PASSWORD})
    assert (paused.status_code, paused.headers["Retry-After"]) == (429, "15") and "15" in paused.text


def test_code_is_asked_for_before_any_page_opens(office: Office, pages: Pages) -> None:
    _, totp, _ = enrol(office)
    browser = pages()
    assert enter(browser, "bob", next="/o/user") == "/login/code?next=/o/user"
    assert browser.get("/").location.startswith("/login") and browser.get("/api/v1/me").status_code == 401
    assert browser.post("/login/code", data={"code": "000000"}).status_code == 422
    done = browser.post("/login/code", data={"code": totp.at(office.clock.now()), "next": "/o/user"})
    assert done.location == "/o/user" and browser.get("/me/security").status_code == 200


def test_required_factor_is_set_up_on_the_way_in(office: Office, pages: Pages) -> None:
    change_policy(office.tenant, office.person("ada"), {"second_factor": "everybody"})
    browser = pages()
    assert enter(browser, "bob") == "/login/enrol"
    assert browser.get("/me").location.startswith("/login")
    page = browser.get("/login/enrol").text
    assert "<svg" in page
    secret = re.search(r'<code class="t-code">(\w+)</code>', page)
    assert secret is not None
    wrong = browser.post("/login/enrol", data={"code": "000000"})
    assert wrong.status_code == 422
    done = browser.post("/login/enrol", data={"code": pyotp.TOTP(secret[1]).at(office.clock.now())})
    assert len(re.findall(r"<li><code>", done.text)) == 10 and browser.get("/me").status_code == 200


def test_first_password_is_changed_on_the_way_in(office: Office, pages: Pages) -> None:
    demand_change(office.tenant, office.number("bob"))
    browser = pages()
    assert enter(browser, "bob") == "/login/password"
    assert browser.post("/login/password", data={"old": PASSWORD, "new": "short"}).status_code == 422
    assert browser.post("/login/password", data={"old": PASSWORD, "new": NEW}).location == "/"
    assert browser.get("/me").status_code == 200


def test_forgotten_password_is_answered_alike_for_everybody(pages: Pages) -> None:
    texts = {
        re.sub(
            r'nonce="[^"]*"|data-nonce="[^"]*"|csrf[^>]*>',
            "",
            pages().post("/login/forgotten", data={"login": who}).text,
        )
        for who in ("bob", "nobody")
    }
    assert len({re.sub(r"[A-Za-z0-9_.-]{60,}", "", t) for t in texts}) == 1


def test_link_sets_the_password_once_and_tells_nobody_its_address(office: Office, pages: Pages) -> None:
    key, browser = make_link(office.tenant, office.number("bob")), pages()
    page = browser.get(f"/password/{key}")
    assert page.status_code == 200 and page.headers["Referrer-Policy"] == "no-referrer"
    assert browser.post(f"/password/{key}", data={"new": "short"}).status_code == 422
    assert browser.post(f"/password/{key}", data={"new": NEW}).location == "/"
    assert browser.get("/me").status_code == 200
    assert pages().get(f"/password/{key}").status_code == 422


def test_own_security_lists_ends_and_makes(office: Office, pages: Pages) -> None:
    browser, other = pages(), office.log_in("bob")
    enter(browser, "bob")
    page = browser.get("/me/security").text
    assert "192.0.2.7" in page
    assert browser.post("/me/security/sessions", data={}).status_code == 303
    assert session_of(office.tenant, other.key) is None and browser.get("/me").status_code == 200
    made = browser.post("/me/security/tokens", data={"label": "report", "days": "30", "scope": ["read"]})
    token = re.search(r"trl_[\w-]+", made.text)
    assert token is not None
    headers = {"Authorization": f"Bearer {token[0]}"}
    assert pages().get("/api/v1/me", headers=headers).get_json()["scopes"] == ["read"]
    page = browser.get("/me/security").text
    assert token[0] not in page
    id = re.search(r'tokens/revoke".*?name="id" value="(\w+)"', page, re.DOTALL)
    assert id is not None and browser.post("/me/security/tokens/revoke", data={"id": id[1]}).status_code == 303
    assert pages().get("/api/v1/me", headers=headers).status_code == 401
    assert browser.post("/me/security/password", data={"old": "wrong guess", "new": NEW}).status_code == 422
    assert browser.post("/me/security/password", data={"old": PASSWORD, "new": NEW}).status_code == 303
    assert browser.get("/me").status_code == 200


def test_widening_access_asks_for_a_fresh_proof(office: Office, pages: Pages) -> None:
    browser = pages()
    enter(browser, "bob")
    office.wait(minutes=11)
    assert (
        browser.post("/me/security/tokens", data={"label": "x", "scope": ["read"]}).location
        == "/me/confirm?next=/me/security"
    )
    assert browser.get("/me/security/factor").location == "/me/confirm?next=/me/security/factor"
    assert browser.post("/me/confirm", data={"password": "wrong guess"}).status_code == 422
    assert (
        browser.post("/me/confirm", data={"password": PASSWORD, "next": "/me/security/factor"}).location
        == "/me/security/factor"
    )
    page = browser.get("/me/security/factor").text
    secret = re.search(r'<code class="t-code">(\w+)</code>', page)
    assert secret is not None
    done = browser.post("/me/security/factor", data={"code": pyotp.TOTP(secret[1]).at(office.clock.now())})
    assert len(re.findall(r"<li><code>", done.text)) == 10
    assert browser.post("/me/security/factor/remove").location == "/me/security"
    assert office.log_in("bob").pending is None


def test_administration_of_an_account(office: Office, pages: Pages) -> None:
    browser, session = pages(), office.log_in("bob")
    enter(browser, "ada")
    assert (
        "Bob Babbage" in browser.get("/setup/people?q=bab").text
        and "Eve Moneypenny" not in browser.get("/setup/people?q=bab").text
    )
    place = person(office, "bob")
    assert "192.0.2.7" in browser.get(place).text
    link = browser.post(f"{place}/link").text
    path = re.search(r"/password/[\w-]+", link)
    assert path is not None and pages().get(path[0]).status_code == 200
    assert browser.post(f"{place}/sessions").status_code == 303 and session_of(office.tenant, session.key) is None
    rules = {
        "password_min_length": "12",
        "session_idle_minutes": "60",
        "session_days": "7",
        "link_hours": "4",
        "second_factor": "nobody",
    }
    assert browser.post("/setup/security", data=rules).status_code == 303
    changed = policy_of(office.tenant)
    assert (changed.password_min_length, changed.link_hours, changed.acting, changed.token_days) == (12, 4, False, None)
    assert browser.post("/setup/security", data={**rules, "session_days": "0"}).status_code == 422
    assert browser.get("/setup/people/user_nobody").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/setup/people",
        "/setup/security",
        "/setup/audit",
        "/setup/audit/export",
        "{bob}",
        "{bob}/offboard",
        "{bob}/handovers/1",
    ],
)
def test_pages_for_administrators_are_for_nobody_else(office: Office, pages: Pages, path: str) -> None:
    browser = pages()
    enter(browser, "eve")
    assert browser.get(path.format(bob=person(office, "bob"))).status_code == 403
    for action in ("sessions", "tokens", "link", "factor", "act", "offboard", "activate", "handovers/1/undo"):
        assert browser.post(f"{person(office, 'bob')}/{action}", data={"reason": "looking"}).status_code == 403


def test_acting_as_somebody_shows_a_banner_and_opens_no_security(office: Office, pages: Pages) -> None:
    browser = pages()
    enter(browser, "ada")
    assert browser.post(f"{person(office, 'bob')}/act", data={"reason": "x"}).status_code == 422
    assert browser.post(f"{person(office, 'bob')}/act", data={"reason": "looking at ticket 12"}).location == "/"
    page = browser.get("/me").text
    assert "t-acting" in page and "Ada Lovelace" in page
    for path in ("/me/security", "/me/security/factor", "/me/confirm", "/setup/people", "/setup/audit"):
        assert browser.get(path).status_code == 403, path
    assert browser.post("/me/security/password", data={"old": PASSWORD, "new": NEW}).status_code == 403
    assert browser.get("/api/v1/me/tokens").status_code == 401
    assert browser.post("/act/end").status_code == 303
    assert "t-acting" not in browser.get("/me").text and browser.get("/setup/people").status_code == 200
    ended = office.audit("acting_began", "acting_ended")
    assert [r["kind"] for r in ended] == ["acting_began", "acting_ended"]


def test_offboarding_wizard(office: Office, pages: Pages) -> None:
    publish(office.tenant, obj("client", {"name": "name", "type": "text"}))
    create(office.tenant, "client", {"name": "a"}, {"name": "b"}, principal=office.person("bob"))
    browser, place = pages(), person(office, "bob")
    enter(browser, "ada")
    page = browser.get(f"{place}/offboard").text
    assert "Client" in page and "Eve Moneypenny" in page and ">Bob Babbage</option>" not in page
    refused = browser.post(f"{place}/offboard", data={})
    assert refused.status_code == 422 and "client" in refused.text
    begun = browser.post(f"{place}/offboard", data={"to_client": f"person:{format_id('user', office.number('eve'))}"})
    assert begun.status_code == 303
    assert 'hx-trigger="every 2s"' in browser.get(begun.location).text
    Worker(office.tenant).run_until_idle()
    done = browser.get(begun.location).text
    assert "hx-trigger" not in done.split('id="handover"')[1].split(">")[0] and "Client: 2" in unescape(done)
    assert browser.post(f"{begun.location}/undo").status_code == 303
    assert browser.post(f"{place}/activate").status_code == 303
    assert browser.post(f"{person(office, 'ada')}/offboard", data={}).status_code == 403


def test_audit_page_searches_and_exports(office: Office, pages: Pages) -> None:
    browser = pages()
    enter(browser, "ada")
    office.log_in("bob")
    page = browser.get("/setup/audit?kind=logged_in").text
    assert page.count("Bob Babbage") == 1
    assert "Bob Babbage" not in browser.get("/setup/audit?text=198.51.100.250").text
    assert browser.get("/setup/audit?kind=nope&person=x&since=y&before=z").status_code == 200
    assert browser.get("/setup/audit/export?kind=logged_in").text.count("logged_in") == 2
    assert browser.get("/setup/audit?verify=1").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/login/forgotten",
        "/me/security/password",
        "/me/security/sessions",
        "/act/end",
        "/setup/security",
        "/logout",
    ],
)
def test_forms_without_their_token_are_refused(office: Office, path: str) -> None:
    """CSRF: a form of another site holds no token of this session."""
    app = create_app(office.runtime, default_tenant="acme")
    browser = app.test_client()
    browser.set_cookie(COOKIE, office.log_in("ada").key)
    assert browser.post(path, data={"old": PASSWORD, "new": NEW}).status_code == 400
    assert office.log_in("ada")


def test_new_person_gets_account_and_link_from_the_setup(office: Office, pages: Pages) -> None:
    browser = pages()
    enter(browser, "ada")
    assert 'href="/setup/people/new"' in browser.get("/setup/people").text
    assert browser.get("/setup/people/new").status_code == 200
    missing = browser.post("/setup/people/new", data={"name": "Nora"})
    assert missing.status_code == 422 and 'id="n-login-error"' in missing.text
    taken = browser.post("/setup/people/new", data={"name": "Nora", "login": "bob"})
    assert taken.status_code == 422 and 'id="n-login-error"' in taken.text
    made = browser.post(
        "/setup/people/new", data={"name": "Nora", "login": "nora", "sets": ["standard", "no_such_set"]}
    )
    key = re.search(r"/password/([\w-]+)", made.text)
    assert made.status_code == 200 and key is not None and office.person("nora").admin is False
    invited = pages()
    assert invited.post(f"/password/{key[1]}", data={"new": NEW}).location == "/"
    assert invited.get("/setup/people/new").status_code == 403
    assert invited.post("/setup/people/new", data={"name": "Eve", "login": "eve2", "admin": "on"}).status_code == 403
    assert office.audit("account_made")[-1]["actor"] == office.number("ada")


def test_person_with_a_record_gets_an_account_once(office: Office, pages: Pages) -> None:
    (number,) = create(office.tenant, "user", {"name": "Olaf", "login": "olaf"})
    browser = pages()
    enter(browser, "ada")
    assert "Olaf (olaf)" in browser.get("/setup/people/new").text
    id = format_id("user", number)
    assert browser.post("/setup/people/new", data={"user": id}).status_code == 200
    assert office.number("olaf") == number
    again = browser.post("/setup/people/new", data={"user": id})
    assert again.status_code == 404
    bob = format_id("user", office.number("bob"))
    assert browser.post("/setup/people/new", data={"user": bob}).status_code == 404
    assert enter(pages(), "bob") == "/"


def test_invitation_asks_for_a_fresh_proof(office: Office, pages: Pages) -> None:
    browser = pages()
    enter(browser, "ada")
    office.wait(minutes=11)
    for answer in (
        browser.get("/setup/people/new"),
        browser.post("/setup/people/new", data={"name": "X", "login": "x"}),
    ):
        assert answer.location == "/me/confirm?next=/setup/people/new"


def test_audit_speaks_of_devices_and_answers_as_people_do(office: Office, pages: Pages) -> None:
    browser = pages()
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
    data = {"login": "ada", "password": PASSWORD}
    assert browser.post("/login", data=data, headers={"User-Agent": agent}).status_code == 303
    page = browser.get("/setup/audit").text
    assert "Chrome · Linux" in page and "Mozilla/5.0" not in page and "second_factor: No" in page
