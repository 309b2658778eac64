"""A locked record is not changed or deleted, whichever door is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.kernel import ADMIN, codes, counting, create, field, obj, person, publish, ref, rows, table, write

from trellis.access.accounts import create_user
from trellis.access.principal import SYSTEM
from trellis.locks import lifted, lock, locks_of, unlock
from trellis.storage import system
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

REASON = {"en": "It is being approved.", "zh": "正在审批。"}
DOCUMENTS = [
    obj(
        "deal",
        field("name", label={"en": "Name", "zh": "名称"}),
        field("amount", "number"),
        field("note"),
        field("total", "rollup", of="line.deal", operation="sum", field="amount"),
    ),
    obj(
        "line",
        field("amount", "number"),
        field("deal", "master_detail", target="deal", relationship="lines"),
    ),
    obj("task", field("name"), field("deal", "lookup", target="deal", on_delete="set_null")),
    {"kind": "group", "name": "keepers"},
]


def build(tenant: Tenant) -> None:
    publish(tenant, *DOCUMENTS)
    create_user(tenant, login="ann", name="Ann")
    create_user(tenant, login="wei", name="Wei")


@pytest.fixture
def tenant(open_copy: Callable[..., Tenant]) -> Tenant:
    return open_copy("locks", build)


def user(tenant: Tenant, login: str) -> int:
    from trellis.record_id import parse_id

    return next(
        parse_id(r["id"], ["user"])[1] for r in rows(tenant, "user", fields=["id", "login"]) if r["login"] == login
    )


def locked(tenant: Tenant, **options: Any) -> int:
    (record,) = create(tenant, "deal", {"name": "a", "amount": 1})
    write(tenant, lambda tx: lock(tx, "deal", [record], **{"source": "test", "reason": REASON, **options}))
    return record


def refusal(tenant: Tenant, body: Any, principal: Any = ADMIN) -> dict[str, Any]:
    with pytest.raises(RecordsInvalid) as caught:
        write(tenant, body, principal)
    return dict(caught.value.errors[0])


def test_a_change_is_refused_with_the_reason_at_each_field(tenant: Tenant) -> None:
    record = locked(tenant)
    body = lambda tx: tx.update("deal", [{"id": record, "name": "b", "amount": 2, "note": None}])  # noqa: E731
    errors = refusal(tenant, body)
    assert codes(errors) == {"name": ["locked"], "amount": ["locked"]}
    assert errors["name"][0]["message"] == "The record is locked: It is being approved. 'Name' cannot be changed."
    errors = refusal(tenant, body, replace(ADMIN, language="zh"))
    assert errors["name"][0]["message"] == "记录已锁定：正在审批。 不能修改“名称”。"
    assert rows(tenant, "deal")[0]["name"] == "a"


@pytest.mark.parametrize("principal", [ADMIN, SYSTEM], ids=["administrator", "system"])
def test_nobody_is_above_a_lock(tenant: Tenant, principal: Any) -> None:
    record = locked(tenant)
    assert codes(refusal(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]), principal)) == {
        "name": ["locked"]
    }
    assert codes(refusal(tenant, lambda tx: tx.delete("deal", [record]), principal)) == {"_record": ["locked"]}


def test_imports_that_keep_stamps_are_bound_too(tenant: Tenant) -> None:
    record = locked(tenant)
    with pytest.raises(RecordsInvalid):
        write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}], from_text=True), migration=True)


def test_in_a_batch_the_others_are_written(tenant: Tenant) -> None:
    record = locked(tenant)
    (free,) = create(tenant, "deal", {"name": "free"})
    outcomes = write(
        tenant,
        lambda tx: tx.update("deal", [{"id": record, "name": "b"}, {"id": free, "name": "b"}], mode="partial"),
    )
    assert [o.action for o in outcomes] == ["refused", "updated"]
    outcomes = write(tenant, lambda tx: tx.delete("deal", [record, free], mode="partial"))
    assert [o.action for o in outcomes] == ["refused", "deleted"]


def test_open_fields_may_change_alone(tenant: Tenant) -> None:
    record = locked(tenant, open_fields=["note"])
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "note": "seen"}]))
    assert codes(refusal(tenant, lambda tx: tx.update("deal", [{"id": record, "note": "x", "name": "b"}]))) == {
        "name": ["locked"]
    }


def test_writers_may_write_and_delete_all_the_same(tenant: Tenant) -> None:
    ann, wei = user(tenant, "ann"), user(tenant, "wei")
    (record,) = create(tenant, "deal", {"name": "a", "owner": ref(tenant, "user", ann)})
    write(tenant, lambda tx: lock(tx, "deal", [record], source="t", reason="Kept.", writers=[{"field": "owner"}]))
    refusal(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]), replace(ADMIN, user=wei))
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]), replace(ADMIN, user=ann))
    write(tenant, lambda tx: tx.delete("deal", [record]), replace(ADMIN, user=ann))
    assert person(tenant, ann).user == ann


def test_several_locks_must_all_allow_a_change(tenant: Tenant) -> None:
    record = locked(tenant, open_fields=["note"])
    write(tenant, lambda tx: lock(tx, "deal", [record], source="other", reason="Audit.", open_fields=["amount"]))
    for name in ("note", "amount"):
        refusal(tenant, lambda tx, n=name: tx.update("deal", [{"id": record, n: "5"}]))
    assert write(tenant, lambda tx: unlock(tx, "deal", [record], source="other")) == [record]
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "note": "5"}]))
    assert write(tenant, lambda tx: unlock(tx, "deal", [record], source="other")) == []
    assert write(tenant, lambda tx: unlock(tx, "deal", [record])) == [record]
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]))
    kinds = [f["kind"] for f in table(tenant, system.fact, record=record) if "lock" in f["kind"]]
    assert kinds == ["locked", "locked", "unlocked", "unlocked"]


def test_a_lock_of_the_same_source_is_replaced(tenant: Tenant) -> None:
    record = locked(tenant)
    write(tenant, lambda tx: lock(tx, "deal", [record], source="test", reason="Other.", open_fields=["name"]))
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]))
    with tenant.database.reading() as connection:
        assert [(k.reason, k.open_fields) for k in locks_of(connection, [record])[record]] == [("Other.", ("name",))]


def test_a_cascade_does_not_take_a_locked_record_along(tenant: Tenant) -> None:
    (deal,) = create(tenant, "deal", {"name": "a"})
    (line,) = create(tenant, "line", {"amount": 1, "deal": ref(tenant, "deal", deal)})
    write(tenant, lambda tx: lock(tx, "line", [line], source="t", reason="Invoiced."))
    errors = refusal(tenant, lambda tx: tx.delete("deal", [deal]))
    assert errors["_record"][0]["message"] == "A record of Line that would be deleted with it is locked: Invoiced."
    write(tenant, lambda tx: unlock(tx, "line", [line]))
    write(tenant, lambda tx: tx.delete("deal", [deal]))
    assert rows(tenant, "line") == []


def test_what_is_derived_or_blanked_is_nobodys_change(tenant: Tenant) -> None:
    record = locked(tenant)
    create(tenant, "line", {"amount": 7, "deal": ref(tenant, "deal", record)})
    assert rows(tenant, "deal", fields=["total"])[0]["total"] == "7.00"
    (other,) = create(tenant, "deal", {"name": "b"})
    (task,) = create(tenant, "task", {"name": "t", "deal": ref(tenant, "deal", other)})
    write(tenant, lambda tx: lock(tx, "task", [task], source="t", reason="Kept."))
    write(tenant, lambda tx: tx.delete("deal", [other]))
    assert rows(tenant, "task", fields=["deal"])[0]["deal"] is None


def test_a_restored_record_comes_back_locked(tenant: Tenant) -> None:
    (record,) = create(tenant, "deal", {"name": "a"})

    def body(tx: Any) -> None:
        lock(tx, "deal", [record], source="t", reason="Kept.")
        with lifted(tx, "t"):
            tx.delete("deal", [record])
        tx.restore("deal", [record])

    write(tenant, body)
    refusal(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "b"}]))


def test_only_the_source_itself_lifts_its_lock(tenant: Tenant) -> None:
    record = locked(tenant)

    def body(tx: Any, source: str) -> None:
        with lifted(tx, source):
            tx.update("deal", [{"id": record, "name": "b"}])

    refusal(tenant, lambda tx: body(tx, "other"))
    write(tenant, lambda tx: body(tx, "test"))

    def after(tx: Any) -> None:
        with lifted(tx, "test"):
            pass
        tx.update("deal", [{"id": record, "name": "c"}])

    refusal(tenant, after)


def test_one_statement_asks_for_the_locks_of_a_batch(tenant: Tenant) -> None:
    ids = create(tenant, "deal", *({"name": f"d{i}"} for i in range(20)))
    counts = []
    for some in (ids[:1], ids):
        with counting(tenant) as seen:
            write(tenant, lambda tx, some=some: tx.update("deal", [{"id": i, "name": "z"} for i in some]))
            counts.append(sum("FROM t_lock" in s for s in seen))
    assert counts == [1, 1]


def test_a_new_record_is_not_locked(tenant: Tenant) -> None:
    locked(tenant)
    assert create(tenant, "deal", {"name": "n"})
