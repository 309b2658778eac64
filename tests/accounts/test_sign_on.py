"""Log-in by OpenID Connect, against a real provider on a real port; whatever it says wrongly lets nobody in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey
from support.identity_provider import IdentityProvider, identity_provider
from support.kernel import rows
from support.office import START, Office, enrol

from trellis.access.accounts import session_of
from trellis.accounts.id_tokens import SignOnFailed
from trellis.accounts.providers import BadProvider, Provider, providers, remove_provider, set_provider
from trellis.accounts.sign_on import arrive, depart
from trellis.api.context import COOKIE
from trellis.outbound import SETTING
from trellis.secrets import put_secret

BOB = {"sub": "248289761001", "email": "Bob@example.com", "email_verified": True, "name": "Bob"}


@pytest.fixture
def provider(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityProvider]:
    monkeypatch.setenv(SETTING, "127.0.0.0/8")
    with identity_provider(START) as made:
        made.person = dict(BOB)
        put_secret(office.tenant, "corp", made.client_secret)
        set_provider(office.tenant, settings(made))
        yield made


def settings(made: IdentityProvider, **more: Any) -> Provider:
    return Provider("corp", "Corp", made.url, made.client_id, "corp", "https://crm.example.com", **more)


def log_in(office: Office, provider: IdentityProvider) -> Any:
    """Go there and come back as a browser would."""
    there = depart(office.tenant, "corp", "/o/client")
    back = parse_qs(urlsplit(provider.agree(there.url)).query)
    return arrive(office.tenant, "corp", state=back["state"][0], kept=there.state, code=back["code"][0])


def test_person_is_found_by_verified_mail_and_then_by_subject(office: Office, provider: IdentityProvider) -> None:
    session, target = log_in(office, provider)
    assert (session.user, target) == (office.number("bob"), "/o/client")
    assert session_of(office.tenant, session.key) is not None
    provider.person = {"sub": BOB["sub"], "email": "someone.else@example.com", "email_verified": False}
    assert log_in(office, provider)[0].user == office.number("bob")
    assert [r["detail"]["method"] for r in office.audit("logged_in")] == ["sso", "sso"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example.com"},
        {"aud": "another client"},
        {"aud": ["trellis", "another client"], "azp": "another client"},
        {"nonce": "not the one that was sent"},
        {"nonce": None},
        {"exp": int(START.timestamp()) - 61},
        {"exp": None},
        {"iat": int(START.timestamp()) + 3600},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
    ],
    ids=str,
)
def test_id_token_that_says_something_wrong_lets_nobody_in(
    office: Office, provider: IdentityProvider, wrong: dict[str, Any]
) -> None:
    provider.claims = wrong
    with pytest.raises(SignOnFailed):
        log_in(office, provider)
    assert office.audit("logged_in") == [] and office.audit("log_in_failed")[-1]["detail"]["reason"] == "sso"


def test_signature_by_another_key_or_by_none_is_refused(office: Office, provider: IdentityProvider) -> None:
    for key, header in (
        (ECKey.generate_key("P-256", {"kid": "k1"}), {}),
        (ECKey.generate_key("P-256", {"kid": "k2"}), {"kid": "k2"}),
        (OctKey.import_key(provider.client_secret), {"alg": "HS256"}),
        (None, {"alg": "none"}),
    ):
        provider.sign_with, provider.header = key, header
        with pytest.raises(SignOnFailed):
            log_in(office, provider)
    assert provider.redeemed == 4


def test_answer_works_once_for_its_browser_and_not_too_late(office: Office, provider: IdentityProvider) -> None:
    there = depart(office.tenant, "corp")
    back = parse_qs(urlsplit(provider.agree(there.url)).query)
    given = {"state": back["state"][0], "code": back["code"][0]}
    with pytest.raises(SignOnFailed, match="browser"):
        arrive(office.tenant, "corp", kept="the state of somebody else", **given)
    with pytest.raises(SignOnFailed, match="browser"):
        arrive(office.tenant, "corp", kept="", **{**given, "state": ""})
    arrive(office.tenant, "corp", kept=there.state, **given)
    with pytest.raises(SignOnFailed, match="second time"):
        arrive(office.tenant, "corp", kept=there.state, **given)
    late = depart(office.tenant, "corp")
    back = parse_qs(urlsplit(provider.agree(late.url)).query)
    office.wait(minutes=11)
    with pytest.raises(SignOnFailed, match="too late"):
        arrive(office.tenant, "corp", state=back["state"][0], kept=late.state, code=back["code"][0])


def test_code_of_somebody_elses_log_in_is_refused_by_its_verifier(office: Office, provider: IdentityProvider) -> None:
    mine, his = depart(office.tenant, "corp"), depart(office.tenant, "corp")
    stolen = parse_qs(urlsplit(provider.agree(his.url)).query)["code"][0]
    state = parse_qs(urlsplit(mine.url).query)["state"][0]
    with pytest.raises(SignOnFailed, match="invalid_grant"):
        arrive(office.tenant, "corp", state=state, kept=mine.state, code=stolen)


@pytest.mark.parametrize(
    "described", [{"issuer": "https://evil.example.com"}, {"token_endpoint": None}, {"jwks_uri": "file:///etc/passwd"}]
)
def test_description_of_another_provider_is_refused(
    office: Office, provider: IdentityProvider, described: dict[str, Any]
) -> None:
    provider.described = described
    with pytest.raises(SignOnFailed):
        depart(office.tenant, "corp")


def test_unknown_person_gets_an_account_only_by_rule(office: Office, provider: IdentityProvider) -> None:
    provider.person = {"sub": "7", "email": "Zoe@corvid.example", "email_verified": True, "name": "Zoe"}
    with pytest.raises(SignOnFailed, match="no rule"):
        log_in(office, provider)
    set_provider(office.tenant, settings(provider, create_for=("corvid.example",)))
    session, _ = log_in(office, provider)
    assert (
        session.principal.name == "Zoe"
        and session.principal.grants.key == ("standard",)
        and not session.principal.admin
    )
    provider.person = {"sub": "8", "email": "mallory@corvid.example.evil.com", "email_verified": True}
    with pytest.raises(SignOnFailed, match="no rule"):
        log_in(office, provider)


def test_inactive_person_and_mail_of_two_people_are_refused(office: Office, provider: IdentityProvider) -> None:
    from support.kernel import write

    write(office.tenant, lambda tx: tx.update("user", [{"id": office.number("eve"), "email": "bob@example.com"}]))
    with pytest.raises(SignOnFailed, match="Several"):
        log_in(office, provider)
    write(office.tenant, lambda tx: tx.update("user", [{"id": office.number("eve"), "email": None}]))
    write(office.tenant, lambda tx: tx.update("user", [{"id": office.number("bob"), "active": False}]))
    with pytest.raises(SignOnFailed, match="not active"):
        log_in(office, provider)


def test_own_second_factor_is_asked_for_all_the_same(office: Office, provider: IdentityProvider) -> None:
    enrol(office)
    provider.now = office.clock.now()
    session, _ = log_in(office, provider)
    assert session.pending == "second_factor"


def test_settings_are_judged_and_hold_no_secret(office: Office, provider: IdentityProvider) -> None:
    bad = Provider("Corp!", "", "http://login.example.com", "x", "corp", "crm.example.com", ("Example",), ("nobody",))
    with pytest.raises(BadProvider) as caught:
        set_provider(office.tenant, bad)
    assert len(caught.value.details["problems"]) == 6
    assert provider.client_secret not in str(office.tenant.settings)
    remove_provider(office.tenant, "corp")
    assert providers(office.tenant) == []


def test_browser_goes_there_and_back(
    office: Office, provider: IdentityProvider, pages: Callable[[], FlaskClient]
) -> None:
    browser = pages()
    assert "/login/with/corp" in browser.get("/login").text
    elsewhere = pages().get("/login/with/corp", headers={"Host": "evil.example.com"})
    assert "evil" not in elsewhere.location
    there = browser.get("/login/with/corp?next=//evil.example.com")
    assert there.status_code == 303 and there.location.startswith(f"{provider.url}/authorize?")
    redirect = parse_qs(urlsplit(there.location).query)["redirect_uri"][0]
    assert redirect == "https://crm.example.com/login/with/corp/back", "not what the request calls this host"
    back = provider.agree(there.location)
    done = browser.get(back.removeprefix("https://crm.example.com"))
    assert done.status_code == 303 and done.location == "/"
    assert browser.get_cookie(COOKIE) is not None and browser.get("/me").status_code == 200
    stranger = pages()
    assert stranger.get(back.removeprefix("https://crm.example.com")).status_code == 422
    assert len(rows(office.tenant, "user")) == 3
