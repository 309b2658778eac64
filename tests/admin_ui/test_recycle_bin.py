"""The page of the recycle bin: bring back, remove for ever (administrators), and nothing for strangers."""

from __future__ import annotations

import re


def _deleted(client, name: str) -> str:
    """Make and delete an account; return its id."""
    url = client.post("/o/account/new", data={"name": name}).location
    client.post(f"{url}/delete")
    return url.rpartition("/")[2]


def test_deleted_record_is_listed_with_who_and_restored(rep):
    record = _deleted(rep, "Gone Ltd")
    page = rep.get("/bin?q=gone").text
    assert "Gone Ltd" in page and "陈思远" in page
    assert "Remove for ever" not in page
    assert "Gone Ltd" not in rep.get("/bin?object=deal&q=gone").text
    assert rep.post("/bin/restore", data={"object": "account", "id": record}).location == "/bin"
    assert "Gone Ltd" not in rep.get("/bin?q=gone").text
    assert rep.get(f"/o/account/{record}").status_code == 200


def test_only_administrators_remove_for_ever(admin, rep):
    record = _deleted(rep, "Forever Ltd")
    values = {"object": "account", "id": record}
    assert rep.post("/bin/purge", data=values).status_code == 403
    assert "Remove for ever" in admin.get("/bin?q=forever").text
    assert admin.post("/bin/purge", data=values).location == "/bin"
    assert "Forever Ltd" not in admin.get("/bin?q=forever").text
    assert rep.post("/bin/restore", data=values).status_code == 404


def test_message_after_deleting_offers_to_undo(rep):
    url = rep.post("/o/account/new", data={"name": "Undone Ltd"}).location
    rep.post(f"{url}/delete")
    shown = rep.get("/o/account").text
    assert "/o/account/bulk/restore" in shown
    record = re.search(r"account_\w+", url)[0]
    rep.post("/o/account/bulk/restore", data={"ids": record})
    assert rep.get(url).status_code == 200


def test_wrong_places_are_refused(rep):
    assert rep.get("/bin?after=x").status_code == 400
    assert rep.post("/bin/restore", data={"object": "nope", "id": "x"}).status_code == 404
    assert rep.post("/bin/restore", data={"object": "account", "id": "x"}).status_code == 404
