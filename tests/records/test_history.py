"""The history of a record: paged, told only to those who may know, and taken back change by change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.kernel import ADMIN, create, field, obj, person, publish, rows, write

from trellis.access import AccessDenied, Principal
from trellis.history import CannotTakeBack, History, history_of, take_back
from trellis.tenant import Tenant
from trellis.transaction import NotFound, RecordsInvalid

DOCUMENTS = [
    obj(
        "deal",
        field("name", required=True),
        field("amount", "number", scale=0),
        field("code", "secret"),
        field("number", "auto_number", format="D-{0000}"),
        sharing={"default": "private"},
    ),
    {
        "kind": "permission_set",
        "name": "no_amounts",
        "label": "No amounts",
        "objects": [
            {
                "name": "deal",
                "rights": ["read", "create", "edit", "view_all"],
                "fields": [{"name": "amount", "access": "none"}],
            }
        ],
    },
]


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    return open_copy("history", lambda tenant: publish(tenant, *DOCUMENTS))


def history(tenant: Tenant, record: int, principal: Principal = ADMIN, **options: Any) -> History:
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        return history_of(tenant, connection, model, principal, "deal", record, **{"limit": 50, **options})


def change(tenant: Tenant, record: int, principal: Principal = ADMIN, **new: Any) -> None:
    write(tenant, lambda tx: tx.update("deal", [{"id": record, **new}]), principal)


def back(tenant: Tenant, record: int, number: int, *fields: str, principal: Principal = ADMIN) -> None:
    write(tenant, lambda tx: take_back(tx, "deal", record, number, fields), principal)


def story(tenant: Tenant) -> int:
    (deal,) = create(tenant, "deal", {"name": "first", "amount": "1"})
    for n in range(2, 12):
        change(tenant, deal, amount=str(n))
    change(tenant, deal, name="last", amount="100")
    return deal


def test_changes_come_in_pages_from_the_newest(crm: Tenant) -> None:
    deal, before, seen = story(crm), None, []
    while True:
        page = history(crm, deal, limit=5, before=before)
        seen += [c.version for c in page.changes]
        before = page.before
        if before is None:
            break
        assert len(page.changes) == 5
    assert seen == list(range(12, 0, -1))


def test_history_of_one_field_leaves_out_what_did_not_touch_it(crm: Tenant) -> None:
    found = history(crm, story(crm), field="name").changes
    assert [dict(c.values) for c in found] == [{"name": ("first", "last")}, {"name": (None, "first")}]


def test_nobody_learns_of_a_record_that_he_may_not_read(crm: Tenant) -> None:
    deal = story(crm)
    (eve,) = create(crm, "user", {"name": "Eve", "login": "eve"})
    with pytest.raises(NotFound):
        history(crm, deal, person(crm, eve))
    with pytest.raises(NotFound):
        back(crm, deal, history(crm, deal).changes[0].id, principal=person(crm, eve))


def test_changes_of_a_hidden_field_leave_no_trace(crm: Tenant) -> None:
    deal = story(crm)
    (eve,) = create(crm, "user", {"name": "Eve", "login": "eve"})
    someone = person(crm, eve, "Eve", "no_amounts")
    found = history(crm, deal, someone, limit=1)
    assert [dict(c.values) for c in found.changes] == [{"name": ("first", "last")}]
    assert [c.action for c in history(crm, deal, someone).changes] == ["updated", "created"]
    assert history(crm, deal, someone, field="amount").changes == []
    hidden = history(crm, deal).changes[3].id
    with pytest.raises(NotFound):
        back(crm, deal, hidden, principal=someone)
    with pytest.raises(CannotTakeBack):
        back(crm, deal, history(crm, deal).changes[0].id, "amount", principal=someone)


def test_old_values_are_written_again_as_a_change_of_its_own(crm: Tenant) -> None:
    deal = story(crm)
    back(crm, deal, history(crm, deal).changes[0].id)
    assert [(r["name"], r["amount"]) for r in rows(crm, "deal")] == [("first", "11")]
    assert history(crm, deal).changes[0].values == {"name": ("last", "first"), "amount": ("100", "11")}


def test_one_of_several_values_can_be_taken_back(crm: Tenant) -> None:
    deal = story(crm)
    back(crm, deal, history(crm, deal).changes[0].id, "amount")
    assert [(r["name"], r["amount"]) for r in rows(crm, "deal")] == [("last", "11")]


def test_what_holds_for_every_write_holds_for_taking_back(crm: Tenant) -> None:
    deal = story(crm)
    number = history(crm, deal).changes[0].id
    fields = [{**f, "max": "10"} if f["name"] == "amount" else f for f in DOCUMENTS[0]["fields"]]
    publish(crm, {**DOCUMENTS[0], "fields": fields})
    with pytest.raises(RecordsInvalid):
        back(crm, deal, number, "amount")
    (eve,) = create(crm, "user", {"name": "Eve", "login": "eve"})
    reader = Principal("person", eve, "Eve", admin=True, scopes=frozenset({"read"}))
    with pytest.raises(AccessDenied):
        back(crm, deal, number, "name", principal=reader)


def test_secret_creation_and_foreign_change_cannot_be_taken_back(crm: Tenant) -> None:
    deal = story(crm)
    change(crm, deal, code="one")
    change(crm, deal, code="two")
    secret, created = history(crm, deal).changes[0], history(crm, deal).changes[-1]
    for number in (secret.id, created.id):
        with pytest.raises(CannotTakeBack):
            back(crm, deal, number)
    (other,) = create(crm, "deal", {"name": "other"})
    with pytest.raises(NotFound):
        back(crm, other, history(crm, deal).changes[2].id)
