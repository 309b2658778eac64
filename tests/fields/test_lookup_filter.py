"""A lookup's filter decides which records may be chosen: on save, in the form's search, in imports, and when published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.kernel import codes, counting, create, field, obj, person, publish, ref, values, write

from trellis.access import Principal
from trellis.exchange.importing import Importer
from trellis.exchange.source import open_source
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

ACTIVE = {"field": "active", "op": "=", "value": True}
OF_ACCOUNT = {"field": "account", "op": "=", "value": "$source.account"}
DOCUMENTS = [
    obj(
        "account",
        field("name"),
        field("active", "boolean"),
        field("size", "integer"),
        sharing={"default": "read"},
    ),
    obj(
        "contact",
        field("name"),
        field("account", "lookup", target="account"),
        field("hidden", "lookup", target="secret"),
        sharing={"default": "edit"},
    ),
    obj("secret", field("open", "boolean"), sharing={"default": "private"}),
    obj(
        "deal",
        field("name"),
        field("account", "lookup", target="account", filter=ACTIVE),
        field("contact", "lookup", target="contact", filter=OF_ACCOUNT),
        field("seats", "integer"),
        field("smaller", "lookup", target="account", filter={"field": "size", "op": "<=", "value": "$source.seats"}),
        field("due", "lookup", target="account", filter={"formula": "AND(size > 10, TODAY() > DATE(2020, 1, 1))"}),
        field("open", "lookup", target="contact", filter={"field": "hidden.open", "op": "=", "value": True}),
        sharing={"default": "edit"},
    ),
]


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    return open_copy("lookup_filter", lambda tenant: publish(tenant, *DOCUMENTS))


def refused(tenant: Tenant, *rows: dict[str, Any], principal: Principal | None = None) -> list[dict[str, list[str]]]:
    options = {"principal": principal} if principal else {}
    with pytest.raises(RecordsInvalid) as refusal:
        create(tenant, "deal", *rows, **options)
    return [codes(e) for e in refusal.value.errors]


def test_record_that_does_not_fit_cannot_be_chosen(crm: Tenant) -> None:
    good, bad, unknown = create(crm, "account", {"active": True}, {"active": False}, {})
    create(crm, "deal", {"account": ref(crm, "account", good)})
    assert refused(crm, {"account": ref(crm, "account", bad)}, {"account": ref(crm, "account", unknown)}) == [
        {"account": ["not_allowed"]},
        {"account": ["not_allowed"]},
    ]


def test_message_names_the_condition(crm: Tenant) -> None:
    (bad,) = create(crm, "account", {"active": False})
    with pytest.raises(RecordsInvalid) as refusal:
        create(crm, "deal", {"account": ref(crm, "account", bad)})
    message = refusal.value.errors[0]["account"][0]["message"]
    assert message == (
        f"'{ref(crm, 'account', bad)}' cannot be chosen here: 'account' takes records of 'account' with active = true."
    )


def test_filter_compares_with_the_row_that_holds_the_lookup(crm: Tenant) -> None:
    a, b = (ref(crm, "account", n) for n in create(crm, "account", {"active": True}, {"active": True}))
    of_a, of_b = (ref(crm, "contact", n) for n in create(crm, "contact", {"account": a}, {"account": b}))
    create(crm, "deal", {"account": a, "contact": of_a}, {"account": b, "contact": of_b})
    assert refused(crm, {"account": a, "contact": of_b}, {"contact": of_a}, {"account": b, "contact": of_b}) == [
        {"contact": ["not_allowed"]},
        {"contact": ["not_allowed"]},
        {},
    ]


def test_ordered_comparison_with_the_row(crm: Tenant) -> None:
    small, large = (ref(crm, "account", n) for n in create(crm, "account", {"size": 5}, {"size": 50}))
    create(crm, "deal", {"seats": 5, "smaller": small})
    assert refused(crm, {"seats": 5, "smaller": large}, {"smaller": small}) == [{"smaller": ["not_allowed"]}] * 2


def test_filter_may_be_a_formula(crm: Tenant) -> None:
    small, large = (ref(crm, "account", n) for n in create(crm, "account", {"size": 5}, {"size": 50}))
    create(crm, "deal", {"due": large})
    assert refused(crm, {"due": small}) == [{"due": ["not_allowed"]}]


def test_change_of_the_compared_field_is_judged_too(crm: Tenant) -> None:
    a, b = (ref(crm, "account", n) for n in create(crm, "account", {"active": True}, {"active": True}))
    (contact,) = create(crm, "contact", {"account": a})
    (deal,) = create(crm, "deal", {"account": a, "contact": ref(crm, "contact", contact)})
    with pytest.raises(RecordsInvalid) as refusal:
        write(crm, lambda tx: tx.update("deal", [{"id": deal, "account": b}]))
    assert codes(refusal.value.errors[0]) == {"contact": ["not_allowed"]}


def test_target_that_stopped_fitting_does_not_stop_other_changes(crm: Tenant) -> None:
    (account,) = create(crm, "account", {"active": True})
    (deal,) = create(crm, "deal", {"account": ref(crm, "account", account)})
    write(crm, lambda tx: tx.update("account", [{"id": account, "active": False}]))
    write(crm, lambda tx: tx.update("deal", [{"id": deal, "name": "still fine"}]))
    assert values(crm, "deal", "name") == ["still fine"]


def test_value_that_the_writer_may_not_see_does_not_fit(crm: Tenant) -> None:
    (secret,) = create(crm, "secret", {"open": True})
    (contact,) = create(crm, "contact", {"hidden": ref(crm, "secret", secret)})
    row = {"open": ref(crm, "contact", contact)}
    create(crm, "deal", row)
    (eve,) = create(crm, "user", {"name": "Eve", "login": "eve"})
    assert refused(crm, row, principal=person(crm, eve)) == [{"open": ["not_allowed"]}]


def test_batch_is_judged_in_one_statement(crm: Tenant) -> None:
    accounts = [ref(crm, "account", n) for n in create(crm, "account", *[{"active": True}] * 40)]
    contacts = [ref(crm, "contact", n) for n in create(crm, "contact", *[{"account": a} for a in accounts])]
    deals = [{"account": a, "contact": c} for a, c in zip(accounts, contacts, strict=True)]

    def statements(rows: list[dict[str, Any]]) -> int:
        with counting(crm) as seen:
            create(crm, "deal", *rows)
        return sum("asked" in s for s in seen)

    assert statements(deals[:2]) == statements(deals) == 2


def test_import_reports_the_rows_that_do_not_fit(crm: Tenant, tmp_path: Path) -> None:
    create(crm, "account", {"active": True, "name": "Good"}, {"active": False, "name": "Bad"})
    file = tmp_path / "deals.csv"
    file.write_text("name,account\none,Good\ntwo,Bad\n", encoding="utf-8")
    admin = Principal("person", None, "admin", admin=True)
    report = Importer(crm, admin, "deal", open_source(file), {"name": "name", "account": "account"}).run()
    assert report.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}
    assert "cannot be chosen here" in report.errors[0][1]
    assert values(crm, "deal", "name") == ["one"]


@pytest.mark.parametrize(
    ("condition", "code", "pointer"),
    [
        ({"field": "activ", "op": "=", "value": True}, "unknown_field", "/field"),
        ({"field": "active", "op": "contains", "value": "x"}, "unsupported_operator", "/op"),
        ({"field": "size", "op": ">", "value": "many"}, "bad_value", "/value"),
        ({"field": "size", "op": "in", "value": [1, "two"]}, "bad_value", "/value/1"),
        ({"field": "size", "op": "<", "value": "$source.nothing"}, "unknown_field", "/value"),
        ({"field": "size", "op": "<", "value": "$source.account.size"}, "bad_source", "/value"),
        ({"field": "size", "op": "<", "value": "$source.name"}, "bad_source", "/value"),
        ({"field": "size", "op": "<", "value": "$sources"}, "bad_source", "/value"),
        ({"field": "size", "op": "in", "value": ["$source.seats"]}, "bad_source", "/value/0"),
    ],
)
def test_filter_that_cannot_be_judged_is_refused_when_it_is_published(
    crm: Tenant, condition: dict[str, Any], code: str, pointer: str
) -> None:
    deal = next(d for d in DOCUMENTS if d["name"] == "deal")
    fields = [{**f, "filter": {"and": [condition]}} if f["name"] == "account" else f for f in deal["fields"]]
    with pytest.raises(InvalidMetadata) as refusal:
        publish(crm, {**deal, "fields": fields})
    found = [(d.code, d.pointer) for d in refusal.value.diagnostics]
    assert found == [(code, f"/fields/1/filter/and/0{pointer}")]


def test_filter_over_several_targets_is_refused(crm: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as refusal:
        publish(crm, obj("task", field("about", "lookup", target=["account", "deal"], filter=ACTIVE)))
    assert [d.code for d in refusal.value.diagnostics] == ["ambiguous_filter"]


def test_filter_that_a_database_cannot_compute_is_refused_when_it_is_published(crm: Tenant) -> None:
    deal = next(d for d in DOCUMENTS if d["name"] == "deal")

    def publish_with(formula: str) -> None:
        condition = {"and": [ACTIVE, {"formula": formula}]}
        fields = [{**f, "filter": condition} if f["name"] == "account" else f for f in deal["fields"]]
        publish(crm, {**deal, "fields": fields})

    with pytest.raises(InvalidMetadata) as refusal:
        publish_with('REGEX(name, "A.*")')
    (found,) = refusal.value.diagnostics
    assert (found.code, found.pointer) == ("no_exact_sql", "/fields/1/filter/and/1/formula")
    assert found.message == "PostgreSQL cannot compute it exactly: REGEX has no exact SQL on PostgreSQL."
    publish_with('BEGINS(name, "A")')
    good, bad = (ref(crm, "account", n) for n in create(crm, "account", *({"name": n, "active": True} for n in "AB")))
    create(crm, "deal", {"account": good})
    assert refused(crm, {"account": bad}) == [{"account": ["not_allowed"]}]
