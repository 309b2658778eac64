"""What an ordinary user can do to the records of others: nothing that their sharing does not say."""

from __future__ import annotations

import pytest
from support.kernel import codes, create, ref, rows, values, write

from trellis.access import AccessDenied
from trellis.query import get_record
from trellis.tenant import Tenant
from trellis.transaction import NotFound, RecordsInvalid


@pytest.fixture
def adas(crm: Tenant, people) -> int:  # type: ignore[no-untyped-def]
    """A private record of Ada's."""
    return create(crm, "ticket", {"subject": "secret"}, principal=people.ada)[0]


def test_others_private_record_is_not_read_in_any_way(crm: Tenant, people, adas: int) -> None:  # type: ignore[no-untyped-def]
    assert len(rows(crm, "ticket", people.ada)) == 1
    for query in ({}, {"search": "secret"}, {"filter": {"field": "id", "op": "=", "value": ref(crm, "ticket", adas)}}):
        assert rows(crm, "ticket", people.bob, **query) == []
    assert rows(crm, "ticket", people.bob, sort=[], aggregates=[{"function": "count"}]) == [{"count": 0}]
    with pytest.raises(NotFound), crm.database.reading() as connection:
        get_record(crm, connection, crm.model_in(connection), people.bob, "ticket", adas)


def test_others_private_record_answers_like_a_missing_one(crm: Tenant, people, adas: int) -> None:  # type: ignore[no-untyped-def]
    def answers(number: int) -> list[str]:
        found = []
        for body in (
            lambda tx: tx.update("ticket", [{"id": number, "subject": "x"}]),
            lambda tx: tx.delete("ticket", [number]),
            lambda tx: tx.restore("ticket", [number]),
            lambda tx: tx.update("ticket", [{"id": number, "subject": "x"}, {"id": number + 1, "subject": "x"}]),
            lambda tx: tx.update("ticket", [{"id": number, "version": 99}]),
        ):
            with pytest.raises((NotFound, RecordsInvalid)) as refused:
                write(crm, body, people.bob)
            found.append(f"{type(refused.value).__name__} {refused.value} {getattr(refused.value, 'errors', '')}")
        return found

    assert answers(adas) == answers(900_000)
    assert values(crm, "ticket", "subject") == ["secret"]


def test_deleted_record_of_another_is_not_restored_with_ones_own(crm: Tenant, people, adas: int) -> None:  # type: ignore[no-untyped-def]
    [bobs] = create(crm, "ticket", {"subject": "bobs"}, principal=people.bob)
    write(crm, lambda tx: tx.delete("ticket", [adas, bobs]))
    outcomes = write(crm, lambda tx: tx.restore("ticket", [bobs]), people.bob)
    assert [o.id for o in outcomes] == [bobs]
    assert values(crm, "ticket", "subject") == ["bobs"]
    with pytest.raises(NotFound):
        write(crm, lambda tx: tx.restore("ticket", [adas]), people.bob)


def test_reference_to_an_invisible_record_is_refused_like_one_to_none(crm: Tenant, people) -> None:  # type: ignore[no-untyped-def]
    [account] = create(crm, "account", {"name": "a"}, principal=people.ada)
    messages = []
    for number in (account, 900_000):
        with pytest.raises(RecordsInvalid) as refused:
            create(crm, "contact", {"name": "c", "account": ref(crm, "account", number)}, principal=people.bob)
        messages.append(str(refused.value.errors).replace(ref(crm, "account", number), "?"))
    assert messages[0] == messages[1]
    create(crm, "contact", {"name": "c", "account": ref(crm, "account", account)}, principal=people.ada)


def test_nobody_writes_a_record_out_of_his_own_sight(crm: Tenant, people, adas: int) -> None:  # type: ignore[no-untyped-def]
    bob = ref(crm, "user", people.bob.user)
    for owner in (bob, None):
        with pytest.raises(RecordsInvalid) as refused:
            write(crm, lambda tx, owner=owner: tx.update("ticket", [{"id": adas, "owner": owner}]), people.ada)  # type: ignore[misc]
        assert codes(refused.value.errors[0]) == {"owner": ["access_denied"]}
    with pytest.raises(RecordsInvalid):
        create(crm, "ticket", {"subject": "x", "owner": bob}, principal=people.ada)
    write(crm, lambda tx: tx.update("ticket", [{"id": adas, "owner": bob}]))
    assert values(crm, "ticket", "subject", principal=people.bob) == ["secret"]


def test_public_reading_is_not_public_writing(crm: Tenant, people) -> None:  # type: ignore[no-untyped-def]
    [note] = create(crm, "open_note", {"name": "n"}, principal=people.ada)
    [board] = create(crm, "board", {"name": "b"}, principal=people.ada)
    assert values(crm, "open_note", "name", principal=people.bob) == ["n"]
    for body in (
        lambda tx: tx.update("open_note", [{"id": note, "name": "x"}]),
        lambda tx: tx.delete("open_note", [note]),
    ):
        with pytest.raises(AccessDenied):
            write(crm, body, people.bob)
    write(crm, lambda tx: tx.update("board", [{"id": board, "name": "x"}]), people.bob)
    assert values(crm, "board", "name") == ["x"]


def test_users_are_changed_by_administrators_only(crm: Tenant, people) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AccessDenied):
        create(crm, "user", {"name": "Eve"}, principal=people.bob)
    with pytest.raises(AccessDenied):
        write(crm, lambda tx: tx.update("user", [{"id": people.bob.user, "name": "Boss"}]), people.bob)


def test_relation_to_an_invisible_record_reads_as_blank(crm: Tenant, people) -> None:  # type: ignore[no-untyped-def]
    [account] = create(crm, "account", {"name": "hidden"}, principal=people.ada)
    create(
        crm,
        "contact",
        {"name": "c", "account": ref(crm, "account", account), "owner": ref(crm, "user", people.bob.user)},
    )
    assert values(crm, "contact", "account.name", principal=people.bob) == [None]
    assert rows(crm, "contact", people.bob, filter={"field": "account.name", "op": "starts_with", "value": "hid"}) == []
