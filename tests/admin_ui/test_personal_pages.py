"""What a person's own pages say: where the time zone comes from, where the other settings are, and each sum once."""

from __future__ import annotations

import re
from dataclasses import replace

from trellis.storage.tables.people import notification
from trellis_admin import session


def test_an_account_without_a_time_zone_follows_the_organisation(rep):
    page = rep.get("/me").text
    assert (
        re.search(r"As the organisation: \w+/\w+|As the organisation: UTC", page) and "As your account says" not in page
    )


def test_the_time_zone_of_the_account_is_named_when_it_applies(rep, monkeypatch):
    real = session.session_of

    def elsewhere(*args, **kinds):
        found = real(*args, **kinds)
        return replace(found, principal=replace(found.principal, time_zone="America/Los_Angeles"))

    monkeypatch.setattr(session, "session_of", elsewhere)
    page = rep.get("/me").text
    assert "As your account says: America/Los_Angeles" in page and "As the organisation:" not in page


def test_settings_lead_to_security_and_absences(rep):
    links = re.search(r'<nav class="t-card t-rows".*?</nav>', rep.get("/me").text, re.S)[0]
    assert 'href="/me/security"' in links and 'href="/me/absences"' in links


def test_no_messages_says_what_appears_there(rep, runtime):
    with runtime.tenant(runtime.names()[0]).database.writing() as connection:
        connection.execute(notification.delete())  # those that other tests have left
    assert "Mentions, approvals and finished work" in rep.get("/notifications").text
    rep.set_cookie("lang", "zh")
    assert "提及、审批" in rep.get("/notifications").text


def test_a_wide_list_shows_each_sum_once(admin):
    page = admin.get("/o/deal").text
    assert "<tfoot>" in page
    foot = page.split('class="t-foot"')[1].split("<nav")[0]
    assert re.findall(r'<span( class="[^"]*")?>Amount', foot) == [' class="t-only-phone"']
