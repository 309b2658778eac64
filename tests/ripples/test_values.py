"""What roll-ups hold after writes: every operation, moves, deletions, levels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from support.kernel import create, ref, rows, write

from trellis.tenant import Tenant


def deal(tenant: Tenant, **values: Any) -> int:
    [record] = create(tenant, "deal", {"name": "Big", **values})
    return record


def spend(tenant: Tenant, deal: int | None, *amounts: str | None, **values: Any) -> list[int]:
    parent = None if deal is None else ref(tenant, "deal", deal)
    return create(tenant, "expense", *({"deal": parent, "amount": a, **values} for a in amounts))


def read(tenant: Tenant, record: int, *names: str, of: str = "deal") -> list[Any]:
    [row] = rows(tenant, of, filter={"field": "id", "op": "=", "value": ref(tenant, of, record)}, fields=list(names))
    return [row[n] for n in names]


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def test_a_new_record_has_zero_for_counts_and_sums_and_blanks_for_the_rest(books: Tenant) -> None:
    record = deal(books)
    assert read(books, record, "expenses", "cost", "pieces") == [0, usd("0.00"), 0]
    assert read(books, record, "dearest", "mean", "names", "first_name", "last_status", "latest") == [None] * 6


def test_every_operation_follows_its_children(books: Tenant) -> None:
    record = deal(books)
    to = ref(books, "deal", record)
    create(
        books,
        "expense",
        {"deal": to, "name": "train", "amount": "10.50", "weight": "1.001", "pieces": 2, "spent_on": "2026-03-02"},
        {"deal": to, "name": "hotel", "amount": "99.99", "weight": "2", "status": "approved", "pieces": 3},
        {"deal": to, "name": "train", "amount": "0.01", "status": "approved", "spent_on": "2026-01-01", "pieces": 4},
    )
    names = ["expenses", "cost", "dearest", "lightest", "pieces", "mean", "kinds", "latest"]
    # 99.99 + 0.01; (1.001 + 2) / 2 = 1.5005, half up at three decimals.
    assert read(books, record, *names) == [3, usd("100.00"), usd("99.99"), "1.001", 7, "1.501", 2, "2026-03-02"]
    assert read(books, record, "first_name", "last_status", "names") == ["train", "open", "train; hotel"]


def test_an_updated_child_is_counted_anew_and_a_moved_one_at_both_parents(books: Tenant) -> None:
    one, two = deal(books), deal(books)
    [expense] = spend(books, one, "5.00", status="approved")
    write(books, lambda tx: tx.update("expense", [{"id": expense, "amount": "7.25"}]))
    assert read(books, one, "cost", "expenses") == [usd("7.25"), 1]
    write(books, lambda tx: tx.update("expense", [{"id": expense, "deal": ref(books, "deal", two)}]))
    assert [read(books, d, "cost", "expenses") for d in (one, two)] == [[usd("0.00"), 0], [usd("7.25"), 1]]
    write(books, lambda tx: tx.update("expense", [{"id": expense, "deal": None}]))
    assert read(books, two, "cost", "expenses") == [usd("0.00"), 0]


def test_deleted_children_do_not_count_and_restored_ones_do_again(books: Tenant) -> None:
    record = deal(books)
    first, _ = spend(books, record, "1.00", "2.00", status="approved")
    write(books, lambda tx: tx.delete("expense", [first]))
    assert read(books, record, "cost", "expenses") == [usd("2.00"), 1]
    write(books, lambda tx: tx.restore("expense", [first]))
    assert read(books, record, "cost", "expenses") == [usd("3.00"), 2]
    write(books, lambda tx: tx.delete("expense", [first]))
    write(books, lambda tx: tx.purge("expense", [first]))
    assert read(books, record, "cost", "expenses") == [usd("2.00"), 1]


def test_levels_follow_each_other(books: Tenant) -> None:
    [account] = create(books, "account", {"name": "Acme"})
    one, two = (deal(books, account=ref(books, "account", account)) for _ in range(2))
    spend(books, one, "10.00", "20.00", status="approved")
    spend(books, two, "5.00", status="approved")
    assert read(books, account, "total_cost", "expenses", "deals", "busy", of="account") == [usd("35.00"), 3, 2, 1]


def test_a_deal_that_goes_and_comes_back_with_its_expenses_is_counted_right(books: Tenant) -> None:
    [account] = create(books, "account", {"name": "Acme"})
    record = deal(books, account=ref(books, "account", account))
    spend(books, record, "10.00", "20.00", status="approved")
    write(books, lambda tx: tx.delete("deal", [record]))
    assert read(books, account, "total_cost", "expenses", "deals", of="account") == [usd("0.00"), 0, 0]
    write(books, lambda tx: tx.restore("deal", [record]))
    assert read(books, account, "total_cost", "expenses", "deals", of="account") == [usd("30.00"), 2, 1]
    assert read(books, record, "cost", "expenses") == [usd("30.00"), 2]


def test_a_lookup_with_several_targets_counts_for_the_one_it_points_at(books: Tenant) -> None:
    [account] = create(books, "account", {"name": "Acme"})
    record = deal(books)
    [expense] = create(books, "expense", {"about": ref(books, "account", account)})
    assert read(books, account, "mentions", of="account") == [1]
    assert read(books, record, "mentions") == [0]
    write(books, lambda tx: tx.update("expense", [{"id": expense, "about": ref(books, "deal", record)}]))
    assert read(books, account, "mentions", of="account") == [0]
    assert read(books, record, "mentions") == [1]


def test_a_change_of_the_record_that_the_filter_reads_is_followed(books: Tenant) -> None:
    record = deal(books, region="south")
    spend(books, record, "1.00", "2.00")
    assert read(books, record, "same_region") == [0]
    write(books, lambda tx: tx.update("deal", [{"id": record, "region": "north"}]))
    assert read(books, record, "same_region") == [2]


def test_amounts_are_added_in_the_currency_of_the_organisation(books: Tenant) -> None:
    record = deal(books)
    day = books.clock.now().date()
    with books.database.writing() as connection:
        books.rates.set(connection, "EUR", day, Decimal("1.25"))
    spend(books, record, "10.00", status="approved")
    create(
        books,
        "expense",
        {"deal": ref(books, "deal", record), "amount": {"amount": "8.00", "currency": "EUR"}, "status": "approved"},
    )
    assert read(books, record, "cost", "dearest") == [usd("20.00"), usd("10.00")]


def test_derived_values_change_neither_version_nor_stamps_of_the_parent(books: Tenant) -> None:
    record = deal(books)
    before = read(books, record, "modified_at", "modified_by")
    spend(books, record, "1.00")
    [row] = rows(books, "deal", fields=["expenses", "modified_at", "modified_by"])
    assert (row["version"], row["expenses"]) == (1, 1)
    assert [row["modified_at"], row["modified_by"]] == before
