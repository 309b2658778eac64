"""The history beside a record: older changes on demand, an old value written again with one click."""

from __future__ import annotations

import re
from html import unescape

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def _version(client, record: str) -> str:
    return re.search(r'name="version" value="(\d+)"', client.get(f"/o/account/{record}/edit").text)[1]


def _account(client, changes: int) -> str:
    made = client.post("/o/account/new", data={"name": "Told 0"}).location
    record = made.rpartition("/")[2]
    for n in range(1, changes + 1):
        client.post(f"{made}/cell/name", data={"name": f"Told {n}", "version": _version(client, record)})
    return made


def test_older_changes_are_asked_for(admin):
    url = _account(admin, 35)
    page = admin.get(url).text
    assert "Told 35" in page and "<del>Told 2<" not in page
    older = unescape(re.search(r'hx-get="([^"]+/timeline\?m=[^"]+)"', page)[1])
    part = admin.get(older, headers=FRAGMENT).text
    assert "Told 2" in part and "<html" not in part
    assert "Told 2" in admin.get(older).text and "<html" in admin.get(older).text


def test_the_page_of_the_history_goes_on_to_older_changes(admin):
    page = admin.get(f"{_account(admin, 35)}/history").text
    older = re.search(r'hx-get="([^"]+history\?before=\d+)"', page)[1]
    part = admin.get(older, headers=FRAGMENT).text
    assert "Told 2" in part and "<html" not in part


def test_old_value_is_written_again(admin):
    url = _account(admin, 1)
    action = re.search(r'action="([^"]+/restore)"', admin.get(url).text)[1]
    assert admin.post(action, data={"field": "name"}).location == url
    assert 'value="Told 0"' in admin.get(f"{url}/edit").text
