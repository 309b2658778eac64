"""The search of a lookup field offers only records that its filter allows for the record being edited."""

from __future__ import annotations

import re
from urllib.parse import quote


def _account_of_contact(client, contact: str) -> str:
    return re.search(r"/o/account/(account_\w+)", client.get(f"/o/contact/{contact}").text)[1]


def _accounts(client) -> list[str]:
    """Accounts that have contacts."""
    contacts = re.findall(r'data-id="(contact_\w+)"', client.get("/o/contact?sort=email").text)[:2]
    return [_account_of_contact(client, c) for c in contacts]


def test_form_offers_what_fits_the_values_that_stand_in_it(admin):
    account = _accounts(admin)[0]
    found = admin.get(f"/lookup/deal/contact.json?q=&account={account}").json
    assert found
    assert {_account_of_contact(admin, f["value"]) for f in found} == {account}


def test_search_by_name_stays_within_the_filter(admin):
    account, other = _accounts(admin)[:2]
    name = admin.get(f"/lookup/deal/contact.json?q=&account={account}").json[0]["text"]
    assert [f["text"] for f in admin.get(f"/lookup/deal/contact.json?q={quote(name)}&account={account}").json] == [name]
    assert admin.get(f"/lookup/deal/contact.json?q={quote(name)}&account={other}").json == []


def test_nothing_is_offered_while_the_compared_field_is_blank(admin):
    assert admin.get("/lookup/deal/contact.json?q=").json == []
    assert admin.get("/lookup/deal/contact.json?q=&account=").json == []


def test_cell_offers_what_fits_the_stored_record(admin):
    deal = re.search(r'data-id="(deal_\w+)"', admin.get("/o/deal?sort=name").text)[1]
    account = re.search(r"/o/account/(account_\w+)", admin.get(f"/o/deal/{deal}").text)[1]
    cell = admin.get(f"/o/deal/{deal}/cell/contact").text
    url = re.search(r'data-url="([^"]+)"', cell)[1]
    assert url == f"/lookup/deal/contact.json?record={deal}"
    assert admin.get(f"{url}&q=").json == admin.get(f"/lookup/deal/contact.json?q=&account={account}").json


def test_control_names_the_fields_on_which_its_choice_depends(admin):
    form = admin.get("/o/deal/new").text
    assert 'data-sources="account"' in form
    assert form.count("data-sources") == 1
