"""Create and update: what is refused, what is filled in, what is left behind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from support.kernel import ADMIN, changes, codes, create, field, obj, publish, ref, rows, table, values, write

from trellis.access import AccessDenied, Principal
from trellis.storage import system
from trellis.tenant import Tenant
from trellis.transaction import NotFound, RecordsInvalid, VersionConflict


def test_errors_of_a_batch_nest_by_row_and_field_and_nothing_is_written(crm: Tenant) -> None:
    batch = [{"name": "good"}, {"nam": "x"}, {"name": "n", "amount": "much"}, "text", {"name": None}]
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.create("deal", batch))  # type: ignore[arg-type]
    found = [codes(e) for e in refused.value.errors]
    assert found[0] == {}
    assert found[1] == {"nam": ["unknown_field"], "name": ["required"]}
    assert list(found[2]) == ["amount"]
    assert found[3] == {"_record": ["wrong_type"], "name": ["required"]} or list(found[3]) == ["_record"]
    assert found[4] == {"name": ["required"]}
    assert rows(crm, "deal") == changes(crm) == table(crm, system.outbox) == []


def test_partial_writes_the_good_rows(crm: Tenant) -> None:
    done = write(crm, lambda tx: tx.create("deal", [{"name": "a"}, {"name": None}, {"name": "b"}], mode="partial"))
    assert [o.action for o in done] == ["created", "refused", "created"]
    assert values(crm, "deal", "name") == ["a", "b"]
    ids = [done[0].id, 999_999, done[2].id]
    done = write(crm, lambda tx: tx.update("deal", [{"id": i, "name": "z"} for i in ids], mode="partial"))
    assert [o.action for o in done] == ["updated", "refused", "updated"]
    done = write(crm, lambda tx: tx.delete("deal", ids, mode="partial"))  # type: ignore[arg-type]
    assert [o.action for o in done] == ["deleted", "refused", "deleted"]


def test_defaults_stand_in_for_what_is_not_sent_and_never_for_a_sent_blank(crm: Tenant) -> None:
    create(crm, "deal", {"name": "a"}, {"name": "b", "stage": None}, {"name": "c", "stage": "won"})
    assert values(crm, "deal", "stage") == ["open", None, "won"]


@pytest.mark.parametrize(("first", "second"), [("Acme", "ACME"), ("straße", "STRASSE"), ("ﬁn", "FIN"), ("Ａ", "a")])
def test_unique_ignores_case_and_width(crm: Tenant, first: str, second: str) -> None:
    [kept] = create(crm, "account", {"name": first})
    with pytest.raises(RecordsInvalid) as refused:
        create(crm, "account", {"name": second})
    assert codes(refused.value.errors[0]) == {"name": ["not_unique"]}
    with pytest.raises(RecordsInvalid):
        create(crm, "account", {"name": f"{first}!"}, {"name": f"{second}!"})
    write(crm, lambda tx: tx.update("account", [{"id": kept, "name": second}]))
    write(crm, lambda tx: tx.delete("account", [kept]))
    create(crm, "account", {"name": first})
    with pytest.raises(RecordsInvalid):
        write(crm, lambda tx: tx.restore("account", [kept]))


def test_composite_key_clashes_only_as_a_whole(crm: Tenant) -> None:
    create(
        crm,
        "account",
        {"name": "a", "city": "Bonn", "code": "1"},
        {"name": "b", "city": "Bonn", "code": "2"},
        {"name": "c", "city": "Bonn"},
        {"name": "d", "city": "Bonn"},
    )
    with pytest.raises(RecordsInvalid) as refused:
        create(crm, "account", {"name": "e", "city": "BONN", "code": "2"})
    assert codes(refused.value.errors[0]) == {"city": ["not_unique"], "code": ["not_unique"]}
    ids = [r["id"] for r in rows(crm, "account")]
    with pytest.raises(RecordsInvalid):
        write(crm, lambda tx: tx.update("account", [{"id": ids[0], "code": "2"}]))


def test_two_records_may_swap_unique_values_in_two_steps_but_not_share_one(crm: Tenant) -> None:
    ids = create(crm, "account", {"name": "a"}, {"name": "b"})
    with pytest.raises(RecordsInvalid):
        write(crm, lambda tx: tx.update("account", [{"id": i, "name": "c"} for i in ids]))
    assert values(crm, "account", "name") == ["a", "b"]


def test_lookup_to_missing_deleted_or_strange_record_is_refused(crm: Tenant) -> None:
    account, gone = create(crm, "account", {"name": "a"}, {"name": "b"})
    write(crm, lambda tx: tx.delete("account", [gone]))
    [contact] = create(crm, "contact", {"name": "c"})
    for value in (
        ref(crm, "account", 99_999),
        ref(crm, "account", gone),
        ref(crm, "contact", contact),
        "account_1",
        17,
        ["x"],
    ):
        with pytest.raises(RecordsInvalid) as refused:
            create(crm, "deal", {"name": "d", "account": value})
        assert list(codes(refused.value.errors[0])) == ["account"], value
    for name, number in (("account", account), ("contact", contact)):
        create(crm, "deal", {"name": "d", "about": ref(crm, name, number)})
    with pytest.raises(RecordsInvalid):
        create(crm, "deal", {"name": "d", "about": ref(crm, "contact", account)})
    assert len(rows(crm, "deal")) == 2


def test_record_deleted_earlier_in_the_transaction_cannot_be_pointed_at(crm: Tenant) -> None:
    [account] = create(crm, "account", {"name": "a"})

    def body(tx):  # type: ignore[no-untyped-def]
        tx.create("contact", [{"name": "x", "account": ref(crm, "account", account)}])
        tx.delete("account", [account])
        tx.create("contact", [{"name": "y", "account": ref(crm, "account", account)}])

    with pytest.raises(RecordsInvalid):
        write(crm, body)
    assert rows(crm, "contact") == []


def test_dependent_option_must_fit_its_controlling_value(crm: Tenant) -> None:
    [deal] = create(crm, "deal", {"name": "d", "country": "de", "town": "bonn"})
    for change in ({"town": "lyon"}, {"country": "fr"}, {"country": None}):
        with pytest.raises(RecordsInvalid) as refused:
            write(crm, lambda tx, change=change: tx.update("deal", [{"id": deal, **change}]))  # type: ignore[misc]
        assert list(codes(refused.value.errors[0])) == ["town"]
    write(crm, lambda tx: tx.update("deal", [{"id": deal, "country": "fr", "town": "lyon"}]))


def test_foreign_money_needs_a_rate_and_sums_in_the_organisations_currency(crm: Tenant) -> None:
    with pytest.raises(RecordsInvalid) as refused:
        create(crm, "deal", {"name": "d", "amount": {"amount": "10", "currency": "CNY"}})
    assert codes(refused.value.errors[0]) == {"amount": ["no_rate"]}
    with crm.database.writing() as connection:
        crm.rates.set(connection, "CNY", date(2020, 1, 1), Decimal("0.14"))
    create(crm, "deal", {"name": "d", "amount": {"amount": "10.03", "currency": "CNY"}}, {"name": "e", "amount": "1"})
    total = rows(crm, "deal", aggregates=[{"function": "sum", "field": "amount"}], sort=[])
    assert total == [{"sum(amount)": "2.40"}]  # 10.03 × 0.14 = 1.4042


def test_auto_numbers_follow_and_cannot_be_written(crm: Tenant) -> None:
    create(crm, "ticket", {"subject": "a"}, {"subject": "b"})
    create(crm, "ticket", {"subject": "c"})
    assert values(crm, "ticket", "number") == ["T-0001", "T-0002", "T-0003"]
    with pytest.raises(RecordsInvalid) as refused:
        create(crm, "ticket", {"number": "T-9"})
    assert codes(refused.value.errors[0]) == {"number": ["read_only"]}


def test_version_guards_against_an_older_reading(crm: Tenant) -> None:
    a, b = create(crm, "deal", {"name": "a"}, {"name": "b"})
    write(crm, lambda tx: tx.update("deal", [{"id": a, "name": "a2", "version": 1}]))
    with pytest.raises(VersionConflict):
        write(crm, lambda tx: tx.update("deal", [{"id": a, "name": "a3", "version": 1}]))
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.update("deal", [{"id": a, "name": "x", "version": 1}, {"id": b, "name": "y"}]))
    assert codes(refused.value.errors[0]) == {"version": ["version_conflict"]}
    with pytest.raises(VersionConflict):
        write(crm, lambda tx: tx.delete("deal", [a], versions={a: 1}))
    done = write(crm, lambda tx: tx.delete("deal", [a, b], versions={a: 1, b: 1}, mode="partial"))
    assert [(o.action, codes(o.errors)) for o in done] == [
        ("refused", {"version": ["version_conflict"]}),
        ("deleted", {}),
    ]
    assert values(crm, "deal", "name") == ["a2"]


def test_update_that_changes_nothing_leaves_no_trace(crm: Tenant) -> None:
    [deal] = create(crm, "deal", {"name": "a", "amount": "5"})
    before = len(changes(crm))
    [done] = write(crm, lambda tx: tx.update("deal", [{"id": deal, "name": "a", "amount": "5.00"}]))
    assert (done.action, done.version, len(changes(crm))) == ("unchanged", 1, before)


def test_same_record_twice_in_a_batch_is_refused(crm: Tenant) -> None:
    [deal] = create(crm, "deal", {"name": "a"})
    with pytest.raises(RecordsInvalid) as refused:
        write(crm, lambda tx: tx.update("deal", [{"id": deal, "name": "b"}, {"id": deal, "name": "c"}]))
    assert codes(refused.value.errors[1]) == {"id": ["repeated"]}


def test_preview_answers_as_the_write_would_and_leaves_nothing(crm: Tenant) -> None:
    outcomes = write(crm, lambda tx: tx.create("ticket", [{"subject": "a"}]), preview=True)
    assert (outcomes[0].action, outcomes[0].values["number"]) == ("created", "T-0001")
    assert rows(crm, "ticket") == changes(crm) == table(crm, system.outbox) == table(crm, system.fact) == []
    create(crm, "ticket", {"subject": "b"})
    assert values(crm, "ticket", "number") == ["T-0001"]


def test_history_facts_and_one_outbox_row_tell_what_happened(crm: Tenant) -> None:
    def body(tx):  # type: ignore[no-untyped-def]
        [a] = tx.create("deal", [{"name": "a", "amount": "1"}])
        tx.update("deal", [{"id": a.id, "name": "b", "amount": None}])
        tx.create("ticket", [{"subject": "t"}])
        tx.delete("deal", [a.id])
        return a.id

    deal = write(crm, body)
    trail = changes(crm, record=deal)
    assert [(c["action"], c["version"]) for c in trail] == [("created", 1), ("updated", 2), ("deleted", 3)]
    assert trail[0]["values"] == {
        "name": [None, "a"],
        "stage": [None, "open"],
        "amount": [None, {"amount": "1.00", "currency": "USD"}],
    }
    assert trail[1]["values"] == {"name": ["a", "b"], "amount": [{"amount": "1.00", "currency": "USD"}, None]}
    assert [f["kind"] for f in table(crm, system.fact, record=deal)] == ["created", "deleted"]
    [message] = table(crm, system.outbox)
    assert {(c["object"], c["action"]) for c in message["payload"]["changes"]} == {
        ("deal", "created"),
        ("deal", "updated"),
        ("deal", "deleted"),
        ("ticket", "created"),
    }


def test_failed_body_leaves_nothing(crm: Tenant) -> None:
    def body(tx):  # type: ignore[no-untyped-def]
        tx.create("ticket", [{"subject": "a"}])
        raise KeyError("later")

    with pytest.raises(KeyError):
        write(crm, body)
    assert rows(crm, "ticket") == changes(crm) == []


def test_migration_keeps_stamps_and_is_for_administrators(crm: Tenant) -> None:
    stamp = "2019-05-06T07:08:09Z"
    write(crm, lambda tx: tx.create("deal", [{"name": "a", "created_at": stamp, "modified_at": None}]), migration=True)
    [row] = rows(crm, "deal", fields=["created_at", "modified_at"])
    assert row["created_at"].startswith("2019-05-06T07:08:09")
    assert row["modified_at"] is not None
    with pytest.raises(AccessDenied):
        write(crm, lambda tx: tx.create("deal", [{"name": "a"}]), Principal("person", 1, "x"), migration=True)
    with pytest.raises(RecordsInvalid) as refused:
        create(crm, "deal", {"name": "a", "created_at": stamp})
    assert codes(refused.value.errors[0]) == {"created_at": ["read_only"]}
    assert datetime.now(UTC).year > 2019
    assert ADMIN.admin


def test_missing_record_is_not_found(crm: Tenant) -> None:
    for body in (
        lambda tx: tx.update("deal", [{"id": 5, "name": "x"}]),
        lambda tx: tx.delete("deal", [5]),
        lambda tx: tx.restore("deal", [5]),
    ):
        with pytest.raises(NotFound):
            write(crm, body)


def test_ids_are_unique_over_objects_and_far_beyond_a_block(crm: Tenant) -> None:
    ids = create(crm, "deal", *({"name": "a"} for _ in range(1500))) + create(crm, "ticket", *({} for _ in range(700)))
    assert len(set(ids)) == 2200


def test_object_added_later_is_written_with_its_defaults_at_once(crm: Tenant) -> None:
    publish(crm, obj("late", field("name", default="x")))
    create(crm, "late", {})
    assert values(crm, "late", "name") == ["x"]
