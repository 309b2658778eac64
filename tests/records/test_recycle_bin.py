"""The recycle bin: newest first over all objects, with who deleted when, for those who could change the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from support.kernel import ADMIN, counting, create, field, obj, person, publish, ref, write

from trellis.access import Principal
from trellis.clock import FakeClock
from trellis.recycle_bin import Deleted, deleted_records
from trellis.tenant import Tenant

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
DOCUMENTS = [
    obj("account", field("name"), sharing={"default": "read"}),
    obj("deal", field("title"), sharing={"default": "private"}, name_field="title"),
    obj("line", field("deal", "master_detail", target="deal"), sharing={"default": "edit"}),
]
OBJECTS = ("account", "deal", "line")


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    tenant = open_copy("bin", lambda tenant: publish(tenant, *DOCUMENTS))
    tenant.clock = FakeClock(START)
    return tenant


@pytest.fixture
def people(crm: Tenant) -> Sequence[Principal]:
    ada, bob = create(crm, "user", {"name": "Ada", "login": "ada"}, {"name": "Bob", "login": "bob"})
    return person(crm, ada, "Ada"), person(crm, bob, "Bob")


def bin_of(
    tenant: Tenant, principal: Principal = ADMIN, objects: Sequence[str] = OBJECTS, **more: object
) -> tuple[list[Deleted], str | None]:
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        return deleted_records(connection, model, principal, objects, **{"limit": 50, **more})  # type: ignore[arg-type]


def delete(tenant: Tenant, name: str, *ids: int, principal: Principal = ADMIN) -> None:
    write(tenant, lambda tx: tx.delete(name, list(ids)), principal)
    tenant.clock.advance(timedelta(minutes=1))


def test_deleted_records_of_all_objects_come_newest_first(crm: Tenant) -> None:
    (account,) = create(crm, "account", {"name": "Acme"})
    first, second = create(crm, "deal", {"title": "One"}, {"title": "Two"})
    for name, record in (("deal", first), ("account", account), ("deal", second)):
        delete(crm, name, record)
    found, cursor = bin_of(crm)
    assert [(d.object, d.name) for d in found] == [("deal", "Two"), ("account", "Acme"), ("deal", "One")]
    assert [d.deleted_at for d in found] == [START + timedelta(minutes=m) for m in (2, 1, 0)]
    assert cursor is None


def test_bin_tells_who_deleted(crm: Tenant, people: Sequence[Principal]) -> None:
    ada, _ = people
    (account,) = create(crm, "account", {"name": "Acme"}, principal=ada)
    delete(crm, "account", account, principal=ada)
    assert [d.deleted_by for d in bin_of(crm)[0]] == [ada.user]


def test_person_sees_only_what_he_might_restore(crm: Tenant, people: Sequence[Principal]) -> None:
    ada, bob = people
    (account,) = create(crm, "account", {"name": "Ada's"}, principal=ada)
    (deal,) = create(crm, "deal", {"title": "Ada's"}, principal=ada)
    for name, record in (("account", account), ("deal", deal)):
        delete(crm, name, record, principal=ada)
    assert {d.id for d in bin_of(crm, ada)[0]} == {account, deal}
    # Everybody may read accounts, but Bob may change neither of them.
    assert bin_of(crm, bob)[0] == []
    assert bin_of(crm, Principal("token", ada.user, "Ada", scopes=frozenset({"read"}), grants=ada.grants))[0] == []


def test_pages_hold_every_record_once(crm: Tenant) -> None:
    accounts = create(crm, "account", *[{"name": f"a{n}"} for n in range(5)])
    deals = create(crm, "deal", *[{"title": f"d{n}"} for n in range(4)])
    delete(crm, "account", *accounts)
    delete(crm, "deal", *deals)
    seen: list[int] = []
    after: str | None = None
    while True:
        found, after = bin_of(crm, limit=2, after=after)
        seen += [d.id for d in found]
        if after is None:
            break
    assert sorted(seen) == sorted([*accounts, *deals]) and len(seen) == 9


def test_search_finds_a_part_of_the_name_and_takes_wildcards_as_text(crm: Tenant) -> None:
    delete(crm, "account", *create(crm, "account", {"name": "Acme"}, {"name": "100%"}, {}))
    assert [d.name for d in bin_of(crm, search="cM")[0]] == ["Acme"]
    assert [d.name for d in bin_of(crm, search="%")[0]] == ["100%"]


def test_whole_page_costs_two_statements(crm: Tenant) -> None:
    delete(crm, "account", *create(crm, "account", *[{"name": f"a{n}"} for n in range(20)]))
    with counting(crm) as seen:
        bin_of(crm)
    assert len([s for s in seen if "deleted_at" in s or "t_change" in s]) == 2


def test_what_was_restored_or_purged_is_no_longer_there(crm: Tenant) -> None:
    (deal,) = create(crm, "deal", {"title": "One"})
    (line,) = create(crm, "line", {"deal": ref(crm, "deal", deal)})
    delete(crm, "deal", deal)
    assert {(d.object, d.id) for d in bin_of(crm)[0]} == {("deal", deal), ("line", line)}
    assert len({d.deletion for d in bin_of(crm)[0]}) == 1
    write(crm, lambda tx: tx.restore("deal", [deal]))
    assert bin_of(crm)[0] == []
    delete(crm, "deal", deal)
    write(crm, lambda tx: tx.purge("deal", [deal]))
    assert [d.object for d in bin_of(crm)[0]] == ["line"]


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-x", "-1-2", "9" * 50])
def test_cursor_that_is_none_is_refused(crm: Tenant, cursor: str) -> None:
    with pytest.raises(ValueError):
        bin_of(crm, after=cursor)
