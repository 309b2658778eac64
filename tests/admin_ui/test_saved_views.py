"""Choosing columns and saving the list on screen as a view, for oneself or for all."""

from __future__ import annotations

import re

import pytest


def _columns(client, url: str) -> list[str]:
    head = client.get(url).text.split("<thead>")[1].split("</thead>")[0]
    return [re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', head)]


@pytest.fixture
def saved(rep):
    """Return a function that saves the view of an address; what it made goes at the end."""
    made = []

    def save(**values) -> str:
        answer = rep.post("/o/deal/views", data=values)
        assert answer.status_code == 303, answer.text
        made.append(re.search(r"saved-(\d+)", answer.location)[1])
        return answer.location

    yield save
    for view in made:
        rep.post(f"/o/deal/views/{view}/delete")


def test_chosen_columns_are_shown_in_their_order(rep):
    assert _columns(rep, "/o/deal?c=name&c=close_date&c=account.website") == [
        "Deal name",
        "Close date",
        "Account · Website",
    ]
    assert _columns(rep, "/o/deal?c=nonsense") == _columns(rep, "/o/deal")
    page = rep.get("/o/deal?c=name&c=close_date").text
    assert re.search(r'name="c" value="close_date" checked', page)
    assert re.search(r'name="c" value="amount">', page)


def test_saved_view_keeps_columns_filter_and_order_for_its_owner(rep, admin, saved):
    url = saved(label="Won ones", c=["name", "stage"], f="stage:=:won", sort="-name")
    page = rep.get(url).text
    assert "Won ones" in page and _columns(rep, url) == ["Deal name", "Stage"]
    assert 'aria-sort="descending"' in page
    stages = set(
        re.findall(r'class="t-tag[^"]*"[^>]*>(?:<[^>]+>)*([^<]+)', page.split("<tbody>")[1].split("</tbody>")[0])
    )
    assert stages == {"Closed won"}
    assert "Won ones" not in admin.get("/o/deal").text
    assert "Won ones" not in rep.get("/o/account").text


def test_shared_view_is_seen_by_all_and_removed_by_its_owner(rep, admin, saved):
    url = saved(label="For all", c="name", shared="true")
    view = re.search(r"saved-(\d+)", url)[1]
    assert "For all" in admin.get("/o/deal").text
    assert f"/o/deal/views/{view}/delete" in rep.get(url).text
    assert rep.post(f"/o/deal/views/{view}/delete").location == "/o/deal"
    assert "For all" not in admin.get("/o/deal").text


def test_others_remove_nothing(rep, admin, saved):
    view = re.search(r"saved-(\d+)", saved(label="Mine", c="name"))[1]
    assert admin.post(f"/o/deal/views/{view}/delete").status_code == 404
    assert rep.post(f"/o/account/views/{view}/delete").status_code == 404
    assert "Mine" in rep.get("/o/deal").text


def test_view_without_a_name_is_refused(rep):
    assert rep.post("/o/deal/views", data={"label": " ", "c": "name"}).status_code == 422
