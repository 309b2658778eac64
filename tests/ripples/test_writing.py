"""Roll-ups inside the write path: who may write them, what they cost, which rules they make be judged again."""

from __future__ import annotations

from typing import Any

import pytest
from ripples.model import rollup
from ripples.test_values import deal, read, spend, usd
from support.kernel import changes, codes, counting, create, field, obj, page, person, publish, ref, rows, values, write

from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

LIMITED: list[dict[str, Any]] = [
    obj(
        "project",
        field("name"),
        field("budget", "integer"),
        rollup("spent", "bill.project", "sum", "amount", history=True),
        rollup("notes", "bill.project", "join", "note"),
        validation=[
            {
                "name": "in_budget",
                "when": "spent > budget",
                "message": {"en": "More than the budget", "zh": "超出预算"},
            },
            {"name": "named", "when": "ISBLANK(name)", "message": "No name"},
        ],
        features={"search": ["name", "notes"]},
    ),
    obj(
        "bill",
        field("project", "lookup", target="project", on_delete="cascade"),
        field("amount", "integer"),
        field("note"),
    ),
]


@pytest.fixture
def site(tenant: Tenant) -> Tenant:
    """A project with a budget of 100 and a bill of 60."""
    publish(tenant, *LIMITED)
    [project] = create(tenant, "project", {"name": "bridge", "budget": 100})
    create(tenant, "bill", {"project": ref(tenant, "project", project), "amount": 60, "note": "steel"})
    return tenant


def bill(tenant: Tenant, *amounts: int, mode: str = "all_or_none") -> list[Any]:
    project = values(tenant, "project", "id")[0]
    given = [{"project": project, "amount": a} for a in amounts]
    return write(tenant, lambda tx: tx.create("bill", given, mode=mode))


def test_a_rule_of_the_parent_refuses_the_child_and_is_named(site: Tenant) -> None:
    with pytest.raises(RecordsInvalid) as refused:
        bill(site, 41)
    [errors] = refused.value.errors
    assert errors["_record"] == [{"code": "in_budget", "message": "Project: More than the budget (rule 'in_budget')"}]
    assert (values(site, "project", "spent"), len(rows(site, "bill"))) == ([60], 1)


def test_in_partial_mode_only_the_children_of_the_broken_parent_are_refused(site: Tenant) -> None:
    [other] = create(site, "project", {"name": "tower", "budget": 10})
    given = [
        {"project": values(site, "project", "id")[0], "amount": 41},
        {"project": ref(site, "project", other), "amount": 3},
    ]
    found = write(site, lambda tx: tx.create("bill", given, mode="partial"))
    assert [o.action for o in found] == ["refused", "created"]
    assert codes(found[0].errors) == {"_record": ["in_budget"]}
    assert values(site, "project", "spent") == [60, 3]
    assert [c["action"] for c in changes(site, object="bill")] == ["created", "created"]


def test_rules_that_do_not_read_the_roll_up_are_left_alone(site: Tenant) -> None:
    with site.database.writing() as connection:
        connection.execute(site.model().object("project").table.update().values(f_name=None))
    bill(site, 1)
    assert values(site, "project", "spent") == [61]


def test_a_deleted_parent_is_not_judged_for_the_children_that_go_with_it(site: Tenant) -> None:
    publish(
        site,
        {**LIMITED[0], "validation": [{"name": "some", "when": "spent < 1", "message": "Nothing spent"}]},
        LIMITED[1],
    )
    [project], [record] = ([int(r) for r in _numbers(site, n)] for n in ("project", "bill"))
    with pytest.raises(RecordsInvalid):
        write(site, lambda tx: tx.delete("bill", [record]))
    write(site, lambda tx: tx.delete("project", [project]))
    assert rows(site, "bill") == []
    write(site, lambda tx: tx.restore("project", [project]))
    assert values(site, "project", "spent") == [60]


def _numbers(tenant: Tenant, name: str) -> list[int]:
    return [tenant.model().env.parse_id(r["id"], [name])[1] for r in rows(tenant, name)]


def test_history_of_a_roll_up_that_asks_for_it_names_the_cause(site: Tenant) -> None:
    [outcome] = bill(site, 5)
    found = [c for c in changes(site, object="project") if c["action"] == "derived"]
    assert [c["values"] for c in found] == [{"spent": [0, 60]}, {"spent": [60, 65]}]
    assert found[-1]["cause"]["because_of"] == [ref(site, "bill", outcome.id)]
    assert found[-1]["version"] == 1


def test_the_search_index_finds_the_joined_value(site: Tenant) -> None:
    assert [r["name"] for r in page(site, "project", search="steel", fields=["name"]).rows] == ["bridge"]
    [record] = _numbers(site, "bill")
    write(site, lambda tx: tx.update("bill", [{"id": record, "note": "wood"}]))
    assert page(site, "project", search="steel").rows == []
    assert len(page(site, "project", search="wood").rows) == 1


def test_a_sum_that_does_not_fit_refuses_the_write(site: Tenant) -> None:
    site.publisher.apply(site.publisher.plan_documents([{**LIMITED[0], "validation": []}]))
    bill(site, 2**62)
    with pytest.raises(RecordsInvalid) as refused:
        bill(site, 2**62)
    assert codes(refused.value.errors[0]) == {"_record": ["rollup_too_large"]}
    assert values(site, "project", "spent") == [2**62 + 60]


@pytest.mark.parametrize("way", ["create", "update", "partial", "text"])
def test_no_door_lets_a_roll_up_be_written(books: Tenant, way: str) -> None:
    record = deal(books)
    change = {"cost": "5.00"}

    def body(tx: Any) -> Any:
        if way == "update":
            return tx.update("deal", [{"id": record, **change}])
        return tx.create(
            "deal",
            [{"name": "x", **change}],
            mode="partial" if way == "partial" else "all_or_none",
            from_text=way == "text",
        )

    if way == "partial":
        [outcome] = write(books, body)
        assert codes(outcome.errors) == {"cost": ["read_only"]}
    else:
        with pytest.raises(RecordsInvalid) as refused:
            write(books, body)
        assert codes(refused.value.errors[0])["cost"] == ["read_only"]
    assert values(books, "deal", "cost") == [usd("0.00")]


def test_a_thousand_children_cost_as_many_statements_as_one(books: Tenant) -> None:
    record = deal(books)
    to = {"deal": ref(books, "deal", record), "amount": "1.00", "status": "approved", "name": "x"}
    create(books, "expense", to)  # statements are compiled
    counts = []
    for many in (1, 1000):
        with counting(books) as seen:
            write(books, lambda tx, many=many: tx.create("expense", [to] * many))  # type: ignore[misc]
        counts.append(len(seen))
    assert counts[1] - counts[0] <= 4  # ids are taken in blocks
    assert read(books, record, "cost", "expenses") == [usd("1002.00"), 1002]


def test_a_thousand_parents_cost_as_many_statements_as_one(books: Tenant) -> None:
    made = create(books, "deal", *({"name": "x"} for _ in range(1000)))
    ids = [ref(books, "deal", d) for d in made]
    create(books, "expense", {"deal": ids[0]})
    counts = []
    for some in (ids[:1], ids):
        with counting(books) as seen:
            write(books, lambda tx, some=some: tx.create("expense", [{"deal": d, "pieces": 2} for d in some]))  # type: ignore[misc]
        counts.append(len(seen))
    assert counts[1] - counts[0] <= 6  # references are looked up in chunks of 500
    assert values(books, "deal", "expenses")[1:] == [1] * 999


def test_records_without_roll_ups_are_written_without_a_statement_more(tenant: Tenant) -> None:
    publish(tenant, obj("plain", field("name")))
    create(tenant, "plain", {"name": "x"})
    with counting(tenant) as seen:
        create(tenant, "plain", {"name": "x"})
    assert not [s for s in seen if "UPDATE" in s and "o_plain" in s]


def test_a_roll_up_counts_all_records_whoever_asks(books: Tenant) -> None:
    """The documented rule: what a roll-up counts does not depend on the asker; who may see the field is a field right."""
    [user] = create(books, "user", {"name": "Ada", "login": "ada"})
    ada = person(books, user, "Ada")
    record = deal(books, owner=ref(books, "user", user))
    spend(books, record, "4.00", status="approved")
    assert rows(books, "expense", ada) == []
    assert [r["cost"] for r in rows(books, "deal", ada, fields=["cost"])] == [usd("4.00")]


def test_roll_ups_are_filtered_sorted_and_grouped_like_what_they_hold(books: Tenant) -> None:
    one, two = deal(books), deal(books)
    spend(books, one, "10.00", status="approved", spent_on="2026-05-01")
    spend(books, two, "9.00", "0.50", status="approved", spent_on="2026-05-02")
    name = ref(books, "deal", two)
    assert values(books, "deal", "id", filter={"field": "cost", "op": "<", "value": "10"}) == [name]
    assert values(books, "deal", "id", sort=["-cost"])[0] == ref(books, "deal", one)
    assert values(books, "deal", "id", filter={"field": "latest", "op": ">", "value": "2026-05-01"}) == [name]
    assert values(books, "deal", "id", filter={"field": "last_status", "op": "in", "value": ["approved"]}) != []
    found = page(books, "deal", group_by=["expenses"], aggregates=[{"function": "sum", "field": "cost"}], sort=[]).rows
    assert [(r["expenses"], next(v for k, v in r.items() if k != "expenses")) for r in found] == [
        (1, "10.00"),
        (2, "9.50"),
    ]
