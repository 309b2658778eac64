"""Delete, restore and purge: delete rules over several levels, and what comes back together."""

from __future__ import annotations

import pytest
from support.kernel import changes, codes, create, ref, rows, values, write

from trellis.access import AccessDenied
from trellis.tenant import Tenant
from trellis.transaction import NotFound, RecordsInvalid


def tree(crm: Tenant) -> dict[str, int]:
    """An account with a contact, its note, and the note's pin."""
    [account] = create(crm, "account", {"name": "a"})
    [contact] = create(crm, "contact", {"name": "c", "account": ref(crm, "account", account)})
    [note] = create(crm, "note", {"name": "n", "contact": ref(crm, "contact", contact)})
    [pin] = create(crm, "pin", {"name": "p", "note": ref(crm, "note", note)})
    return {"account": account, "contact": contact, "note": note, "pin": pin}


def live(crm: Tenant, *names: str) -> list[int]:
    return [len(rows(crm, n)) for n in names]


LEVELS = ("account", "contact", "note", "pin")


def test_cascade_goes_all_levels_down_and_comes_back_together(crm: Tenant) -> None:
    ids = tree(crm)
    write(crm, lambda tx: tx.delete("account", [ids["account"]]))
    assert live(crm, *LEVELS) == [0, 0, 0, 0]
    for name in LEVELS:
        assert [c["action"] for c in changes(crm, record=ids[name])] == ["created", "deleted"]
    write(crm, lambda tx: tx.restore("account", [ids["account"]]))
    assert live(crm, *LEVELS) == [1, 1, 1, 1]
    assert values(crm, "pin", "note.contact.account.name") == ["a"]
    assert [r["id"] for r in rows(crm, "account", search="a")] == [ref(crm, "account", ids["account"])]


def test_record_deleted_before_stays_deleted_when_the_rest_comes_back(crm: Tenant) -> None:
    ids = tree(crm)
    write(crm, lambda tx: tx.delete("pin", [ids["pin"]]))
    write(crm, lambda tx: tx.delete("account", [ids["account"]]))
    write(crm, lambda tx: tx.restore("account", [ids["account"]]))
    assert live(crm, *LEVELS) == [1, 1, 1, 0]


def test_records_of_one_batch_come_back_one_by_one(crm: Tenant) -> None:
    ids = create(crm, "ticket", {"subject": "a"}, {"subject": "b"}, {"subject": "c"})
    write(crm, lambda tx: tx.delete("ticket", ids))
    write(crm, lambda tx: tx.restore("ticket", [ids[1]]))
    assert values(crm, "ticket", "subject") == ["b"]


def test_restrict_refuses_and_names_the_holders(crm: Tenant) -> None:
    ids = tree(crm)
    [deal] = create(crm, "deal", {"name": "d", "account": ref(crm, "account", ids["account"])})
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.delete("account", [ids["account"]]))
    assert codes(refused.value.errors[0]) == {"_record": ["in_use"]}
    assert live(crm, *LEVELS) == [1, 1, 1, 1]
    write(crm, lambda tx: tx.delete("deal", [deal]))
    write(crm, lambda tx: tx.delete("account", [ids["account"]]))
    with pytest.raises(RecordsInvalid):
        write(crm, lambda tx: tx.restore("deal", [deal]))
    write(crm, lambda tx: tx.restore("account", [ids["account"]]))
    write(crm, lambda tx: tx.restore("deal", [deal]))


def test_restrict_holds_what_a_cascade_would_take_along(crm: Tenant) -> None:
    ids = tree(crm)
    create(crm, "lock", {"name": "l", "note": ref(crm, "note", ids["note"])})
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.delete("account", [ids["account"]]))
    assert codes(refused.value.errors[0]) == {"_record": ["in_use"]}
    assert live(crm, *LEVELS) == [1, 1, 1, 1]


def test_partial_delete_keeps_the_whole_tree_of_a_refused_record(crm: Tenant) -> None:
    ids = tree(crm)
    create(crm, "lock", {"name": "l", "note": ref(crm, "note", ids["note"])})
    [other] = create(crm, "account", {"name": "b"})
    done = write(crm, lambda tx: tx.delete("account", [ids["account"], other], mode="partial"))
    assert [o.action for o in done] == ["refused", "deleted"]
    assert live(crm, *LEVELS) == [1, 1, 1, 1]


def test_holder_that_goes_along_does_not_hold(crm: Tenant) -> None:
    create(crm, "account", {"name": "a"})
    top, *_ = create(crm, "node", {"name": "top"})
    [below] = create(crm, "node", {"name": "below", "up": ref(crm, "node", top)})
    write(crm, lambda tx: tx.delete("node", [top, below]))
    assert live(crm, "node") == [0]
    assert [c["action"] for c in changes(crm, record=below)] == ["created", "deleted"]


def test_circle_of_cascades_goes_as_a_whole(crm: Tenant) -> None:
    a, b = create(crm, "node", {"name": "a"}, {"name": "b"})
    write(crm, lambda tx: tx.update("node", [{"id": a, "up": ref(crm, "node", b)}]))
    write(crm, lambda tx: tx.update("node", [{"id": b, "up": ref(crm, "node", b)}]))
    write(crm, lambda tx: tx.update("node", [{"id": b, "up": ref(crm, "node", a)}]))
    write(crm, lambda tx: tx.delete("node", [a]))
    assert live(crm, "node") == [0]
    write(crm, lambda tx: tx.restore("node", [b]))
    assert live(crm, "node") == [2]


def test_set_null_blanks_the_reference_and_keeps_the_record(crm: Tenant) -> None:
    account, child = create(crm, "account", {"name": "a"}, {"name": "b"})
    [deal] = create(
        crm, "deal", {"name": "d", "backup": ref(crm, "account", account), "about": ref(crm, "account", account)}
    )
    write(crm, lambda tx: tx.update("account", [{"id": child, "parent": ref(crm, "account", account)}]))
    write(crm, lambda tx: tx.delete("account", [account]))
    [row] = rows(crm, "deal", fields=["backup", "about"])
    assert (row["backup"], row["about"], row["version"]) == (None, None, 2)
    assert values(crm, "account", "parent") == [None]
    assert changes(crm, record=deal)[-1]["values"].keys() == {"backup", "about"}


def test_parent_and_child_are_deleted_in_one_batch(crm: Tenant) -> None:
    """The child's reference to the parent has the rule ``set_null``: blanking it must not save the child."""
    parent, child = create(crm, "account", {"name": "a"}, {"name": "b"})
    write(crm, lambda tx: tx.update("account", [{"id": child, "parent": ref(crm, "account", parent)}]))
    write(crm, lambda tx: tx.delete("account", [parent, child]))
    assert live(crm, "account") == [0]


def test_restored_record_loses_references_that_are_gone(crm: Tenant) -> None:
    [account] = create(crm, "account", {"name": "a"})
    [deal] = create(crm, "deal", {"name": "d", "backup": ref(crm, "account", account)})
    write(crm, lambda tx: tx.delete("deal", [deal]))
    write(crm, lambda tx: tx.delete("account", [account]))
    write(crm, lambda tx: tx.restore("deal", [deal]))
    assert values(crm, "deal", "backup") == [None]


def test_detail_cannot_come_back_without_its_master(crm: Tenant) -> None:
    ids = tree(crm)
    write(crm, lambda tx: tx.delete("note", [ids["note"]]))
    write(crm, lambda tx: tx.delete("contact", [ids["contact"]]))
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.restore("note", [ids["note"]]))
    assert codes(refused.value.errors[0]) == {"contact": ["bad_reference"]}
    assert live(crm, "note", "pin") == [0, 0]


def test_deleted_record_is_neither_changed_nor_deleted_again(crm: Tenant) -> None:
    [ticket] = create(crm, "ticket", {"subject": "a"})
    write(crm, lambda tx: tx.delete("ticket", [ticket]))
    for body in (
        lambda tx: tx.update("ticket", [{"id": ticket, "subject": "b"}]),
        lambda tx: tx.delete("ticket", [ticket]),
    ):
        with pytest.raises(NotFound):
            write(crm, body)


def test_purge_is_for_administrators_and_for_deleted_records(crm: Tenant, people) -> None:  # type: ignore[no-untyped-def]
    a, b = create(crm, "ticket", {"subject": "a"}, {"subject": "b"})
    write(crm, lambda tx: tx.delete("ticket", [a]))
    with pytest.raises(AccessDenied):
        write(crm, lambda tx: tx.purge("ticket", [a]), people.ada)
    assert write(crm, lambda tx: tx.purge("ticket", [a, b])) == 1
    with pytest.raises(NotFound):
        write(crm, lambda tx: tx.restore("ticket", [a]))
    assert values(crm, "ticket", "subject") == ["b"]
