"""What was typed into a form survives a lost page, but no password does, and nothing after logging out."""

from __future__ import annotations

import pytest
from application import session_key

from trellis_admin.session import COOKIE

pytestmark = pytest.mark.browser


@pytest.fixture
def context(browser, server, runtime):
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.add_cookies([{"name": COOKIE, "value": session_key(runtime, "ada"), "url": server}])
    yield made
    made.close()


def _open(context, url: str):
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return page


def _kept(page) -> str:
    return page.evaluate("JSON.stringify(localStorage)")


def _type(context, server: str):
    page = _open(context, f"{server}/o/deal/new")
    page.fill("[name=name]", "Half a deal")
    for _ in range(50):
        if "Half a deal" in _kept(page):
            break
        page.wait_for_timeout(100)
    assert "Half a deal" in _kept(page)
    return page


def test_lost_form_is_offered_and_restored(context, server):
    _type(context, server).close(run_before_unload=False)
    page = _open(context, f"{server}/o/deal/new")
    assert page.input_value("[name=name]") == ""
    page.click(".t-draft button >> nth=0")
    assert page.input_value("[name=name]") == "Half a deal"
    assert page.locator(".t-draft").count() == 0


def test_draft_that_is_thrown_away_or_saved_is_gone(context, server):
    _type(context, server).close(run_before_unload=False)
    page = _open(context, f"{server}/o/deal/new")
    page.click(".t-draft button >> nth=1")
    assert "Half a deal" not in _kept(page)
    again = _open(context, f"{server}/o/deal/new")
    assert again.locator(".t-draft").count() == 0


def test_draft_of_another_record_or_version_is_not_offered(context, server):
    page = _type(context, server)
    page.evaluate(
        "for (const k of Object.keys(localStorage)) { const d = JSON.parse(localStorage[k]); d.version = '7'; "
        "localStorage[k] = JSON.stringify(d) }"
    )
    page.close(run_before_unload=False)
    assert _open(context, f"{server}/o/deal/new").locator(".t-draft").count() == 0
    assert _open(context, f"{server}/o/account/new").locator(".t-draft").count() == 0


def test_password_is_never_kept_not_even_while_it_is_shown(context, server):
    page = _open(context, f"{server}/o/deal/new")
    page.evaluate(
        "const c = document.createElement('input'); c.type = 'text'; c.name = 'code'; c.autocomplete = 'new-password'; "
        "document.querySelector('[data-draft]').append(c)"
    )
    page.fill("[name=code]", "hunter2")
    page.fill("[name=name]", "With a secret")
    page.wait_for_timeout(900)
    assert "With a secret" in _kept(page) and "hunter2" not in _kept(page)


def test_nothing_stays_behind_after_logging_out(context, server):
    page = _type(context, server)
    assert "csrf" not in _kept(page)
    page.evaluate("delete document.querySelector('[data-draft]').dataset.guard")
    page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    page.wait_for_url("**/login")
    assert "Half a deal" not in _kept(page)
