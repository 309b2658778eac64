"""Messages: for their readers only, gone with the transaction that failed, silent about records that may not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.kernel import counting, create, obj, person, publish, write
from support.kernel import field as field_of

from trellis import notifications
from trellis.access import Principal
from trellis.notifications import Notification, mark_read, notifications_of, notify, unread
from trellis.tenant import Tenant

TEXT = {"en": "Done", "zh": "完成"}


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    deal = obj("deal", field_of("name"), sharing={"default": "private"})
    return open_copy("notifications", lambda tenant: publish(tenant, deal))


@pytest.fixture
def people(crm: Tenant) -> tuple[Principal, Principal]:
    ada, bob = create(crm, "user", {"name": "Ada", "login": "ada"}, {"name": "Bob", "login": "bob"})
    return person(crm, ada, "Ada"), person(crm, bob, "Bob")


def tell(tenant: Tenant, *users: Principal, **more: Any) -> None:
    with tenant.database.writing() as connection:
        notify(tenant, connection, [u.user for u in users if u.user], more.pop("kind", "job_done"), TEXT, **more)


def seen(tenant: Tenant, principal: Principal, **options: Any) -> list[Notification]:
    with tenant.database.reading() as connection:
        return notifications_of(connection, tenant.model_in(connection), principal, **options)


def count(tenant: Tenant, principal: Principal) -> int:
    with tenant.database.reading() as connection:
        return unread(connection, tenant.model_in(connection), principal)


def test_each_reader_has_his_own_copy_newest_first(crm: Tenant, people: tuple[Principal, Principal]) -> None:
    ada, bob = people
    tell(crm, ada, bob, kind="one")
    tell(crm, ada, kind="two")
    assert [n.kind for n in seen(crm, ada)] == ["two", "one"]
    assert [n.kind for n in seen(crm, bob)] == ["one"]
    mark_read(crm, ada, [seen(crm, ada)[1].id])
    assert (count(crm, ada), count(crm, bob)) == (1, 1)
    mark_read(crm, ada)
    assert (count(crm, ada), count(crm, bob)) == (0, 1)


def test_nobody_marks_the_messages_of_others(crm: Tenant, people: tuple[Principal, Principal]) -> None:
    ada, bob = people
    tell(crm, ada)
    mark_read(crm, bob, [seen(crm, ada)[0].id])
    assert count(crm, ada) == 1


def test_message_of_a_transaction_that_fails_was_never_there(crm: Tenant, people: tuple[Principal, Principal]) -> None:
    ada, _ = people

    def body(tx: Any) -> None:
        notify(crm, tx.connection, [ada.user], "mention", TEXT)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(crm, body)
    assert seen(crm, ada) == []


def test_message_about_a_record_is_shown_while_its_reader_may_read_it(
    crm: Tenant, people: tuple[Principal, Principal]
) -> None:
    ada, bob = people
    (deal,) = create(crm, "deal", {"name": "Secret"}, principal=ada)
    tell(crm, ada, bob, about=("deal", deal))
    tell(crm, ada, bob, about=("gone_object", deal))
    assert [n.record for n in seen(crm, ada)] == [deal]
    assert seen(crm, bob) == [] and count(crm, bob) == 0


def test_page_asks_only_for_what_is_new(crm: Tenant, people: tuple[Principal, Principal]) -> None:
    ada, _ = people
    tell(crm, ada, kind="old")
    last = seen(crm, ada)[0].id
    tell(crm, ada, kind="new")
    assert [n.kind for n in seen(crm, ada, after=last)] == ["new"]
    assert len(seen(crm, ada, limit=1)) == 1


def test_list_costs_two_statements_whatever_it_speaks_of(crm: Tenant, people: tuple[Principal, Principal]) -> None:
    ada, _ = people
    for deal in create(crm, "deal", *[{"name": f"d{n}"} for n in range(10)], principal=ada):
        tell(crm, ada, about=("deal", deal))
    seen(crm, ada)
    with counting(crm) as statements:
        assert len(seen(crm, ada)) == 10
    assert len([s for s in statements if "t_notification" in s or "o_deal" in s]) == 2


def test_old_messages_are_forgotten(
    crm: Tenant, people: tuple[Principal, Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = people
    monkeypatch.setattr(notifications, "KEPT", 3)
    for n in range(5):
        tell(crm, ada, bob, kind=f"k{n}")
    mark_read(crm, ada)
    monkeypatch.undo()
    assert [n.kind for n in seen(crm, ada)] == ["k4", "k3", "k2"]
    assert len(seen(crm, bob)) == 5
