"""Roll-ups in the UI: added in words, shown with what they are made of, never a field of a form."""

from __future__ import annotations

import re
from html import unescape


def _hidden(html):
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html)
    return {n: unescape(v) for n, v in found if n != "csrf_token"}


def _account(client):
    return re.search(r'data-id="(account_\w+)"', client.get("/o/account?sort=name").text)[1]


def test_a_roll_up_is_added_reviewed_shown_with_its_records_and_undone(admin):
    form = admin.get("/setup/objects/account/fields/new?type=rollup").text
    assert 'value="deal.account"' in form
    given = {"type": "rollup", "label": "Deal value", "of": "deal.account", "operation": "sum", "over": "deal.amount"}
    draft = admin.post("/setup/objects/account/fields/new", data={**given, "filter": "amount > 1"})
    assert "sum of Amount over Deals where amount &gt; 1" in draft.text
    assert admin.post("/setup/publish", data=_hidden(draft.text)).location == "/setup/objects/account"
    try:
        account = _account(admin)
        page = admin.get(f"/o/account/{account}").text
        link = re.search(r'<span class="t-about[^>]*><a href="([^"]+)">([^<]+)</a>', page)
        assert unescape(link[2]) == "sum of Amount over Deals where amount > 1"
        assert f"account%3A%3D%3A{account}" in link[1]
        assert admin.get(unescape(link[1])).status_code == 200
        assert 'name="deal_value"' not in admin.get(f"/o/account/{account}/edit").text
        admin.post(f"/o/account/{account}/edit", data={"deal_value": "999999"})
        assert "999,999" not in admin.get(f"/o/account/{account}").text
    finally:
        admin.post("/setup/undo")
    assert "Deal value" not in admin.get(f"/o/account/{account}").text


def test_a_wrong_filter_is_told_in_the_form(admin):
    given = {"type": "rollup", "label": "Late", "of": "deal.account", "operation": "count", "filter": "TODAY() > close"}
    answer = admin.post("/setup/objects/account/fields/new", data=given)
    assert answer.status_code == 422
    assert "t-errors" in answer.text
