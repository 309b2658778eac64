"""Validation rules are checked when they are published and enforced on every write."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.copies import OpenCopy

from trellis.access import Cause
from trellis.access.principal import Principal
from trellis.clock import FakeClock
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

PERSON = Principal("person", None, "Ada", admin=True)
CHINESE = Principal("person", None, "陈思远", admin=True, language="zh")
ACCOUNT = {
    "kind": "object",
    "name": "account",
    "label": "Account",
    "fields": [{"name": "name", "type": "text", "required": True}, {"name": "credit_limit", "type": "currency"}],
}


def deal(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "object",
        "name": "deal",
        "label": "Deal",
        "fields": [
            {"name": "name", "type": "text", "required": True},
            {"name": "amount", "type": "currency"},
            {"name": "seats", "type": "integer"},
            {"name": "discount", "type": "percent"},
            {"name": "close_date", "type": "date"},
            {
                "name": "kind",
                "type": "picklist",
                "options": [{"name": "new", "label": "New"}, {"name": "old", "label": "Old"}],
            },
            {"name": "account", "type": "lookup", "target": "account", "relationship": "deals"},
        ],
        "validation": list(rules),
    }


PAST = {
    "name": "past",
    "when": "AND(ISNEW(), close_date < TODAY())",
    "at": "close_date",
    "message": {"en": "Close date lies in the past", "zh": "结束日期已过"},
}
LIMIT = {"name": "limit", "when": "amount > account.credit_limit", "message": "Above the credit limit", "at": "amount"}
DISCOUNT = {"name": "discount", "when": "discount > 0.3", "message": "At most 30 %", "at": "discount"}
SHRINK = {
    "name": "shrink",
    "when": "AND(NOT(ISNEW()), ISCHANGED(seats), seats < PRIORVALUE(seats))",
    "message": "Seats never shrink",
}
CHOICE = {
    "name": "choice",
    "when": 'AND(ISPICKVAL(kind, "old"), ISBLANK(account))',
    "message": "An old deal needs its account",
}


@pytest.fixture
def tenant(open_copy: OpenCopy) -> Tenant:
    clock = FakeClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    return open_copy("dollars in Shanghai", settings={"time_zone": "Asia/Shanghai"}, clock=clock)


def publish(tenant: Any, *documents: Any) -> None:
    tenant.publisher.apply(tenant.publisher.plan_documents(documents))


def create(tenant: Any, name: str, *rows: Any, person: Principal = PERSON) -> Any:
    return tenant.run(person, Cause("test"), lambda tx: tx.create(name, rows))


def refused(tenant: Any, row: Any, person: Principal = PERSON) -> Any:
    with pytest.raises(RecordsInvalid) as caught:
        create(tenant, "deal", row, person=person)
    return caught.value.errors[0]


def test_record_that_a_rule_names_is_refused_at_its_field_in_the_persons_language(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(PAST))
    row = {"name": "x", "close_date": "2026-11-21"}
    assert refused(tenant, row) == {"close_date": [{"code": "past", "message": "Close date lies in the past"}]}
    assert refused(tenant, row, CHINESE) == {"close_date": [{"code": "past", "message": "结束日期已过"}]}
    assert create(tenant, "deal", {"name": "x", "close_date": "2026-11-22"})[0].action == "created"


def test_today_is_the_organisations_day(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(PAST))
    tenant.clock.set(datetime(2026, 11, 22, 16, 30, tzinfo=UTC))  # the 23rd in Shanghai
    assert "close_date" in refused(tenant, {"name": "x", "close_date": "2026-11-22"})


def test_all_rules_are_told_at_once(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(PAST, DISCOUNT, CHOICE))
    errors = refused(tenant, {"name": "x", "close_date": "2020-01-01", "discount": "31", "kind": "old"})
    assert {k: [e["code"] for e in v] for k, v in errors.items()} == {
        "close_date": ["past"],
        "discount": ["discount"],
        "_record": ["choice"],
    }


def test_percent_is_a_share_inside_formulas(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(DISCOUNT))
    assert create(tenant, "deal", {"name": "x", "discount": "30"})[0].action == "created"
    assert "discount" in refused(tenant, {"name": "x", "discount": "30.01"})


def test_rule_over_a_relation_reads_the_related_record(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(LIMIT))
    account = create(tenant, "account", {"name": "Acme", "credit_limit": "100"})[0].id
    ref = tenant.model().env.format_id("account", account)
    assert create(tenant, "deal", {"name": "x", "amount": "100", "account": ref})[0].action == "created"
    assert refused(tenant, {"name": "x", "amount": "100.01", "account": ref})["amount"][0]["code"] == "limit"


def test_rule_sees_stored_values_and_the_values_before(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal(SHRINK))
    record = create(tenant, "deal", {"name": "x", "seats": 10})[0].id

    def change(**values: Any) -> Any:
        return tenant.run(PERSON, Cause("test"), lambda tx: tx.update("deal", [{"id": record, **values}]))

    assert change(seats=12)[0].action == "updated"
    assert change(name="y")[0].action == "updated"
    with pytest.raises(RecordsInvalid) as caught:
        change(seats=11)
    assert caught.value.errors[0]["_record"][0]["message"] == "Seats never shrink"


def test_rule_that_cannot_be_evaluated_refuses_the_record(tenant: Any) -> None:
    publish(tenant, ACCOUNT, deal({"name": "ratio", "when": "amount / seats > 5", "message": "Too dear"}))
    assert refused(tenant, {"name": "x", "amount": "1", "seats": 0})["_record"][0]["code"] == "rule_error"


def test_related_records_are_read_with_one_query_whatever_the_number_of_rows(tenant: Any) -> None:
    import sqlalchemy as sa

    publish(tenant, ACCOUNT, deal(LIMIT))
    accounts = [
        tenant.model().env.format_id("account", o.id)
        for o in create(tenant, "account", *({"name": f"A{i}", "credit_limit": "100"} for i in range(40)))
    ]
    counts = []
    for size in (2, 4, 40):  # the first run compiles and reserves
        seen: list[str] = []

        def listen(_connection: Any, _cursor: Any, text: str, *_rest: Any, into: list[str] = seen) -> None:
            into.append(text)

        sa.event.listen(tenant.database.engine, "before_cursor_execute", listen)
        create(tenant, "deal", *({"name": f"D{i}", "amount": "1", "account": accounts[i]} for i in range(size)))
        sa.event.remove(tenant.database.engine, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[1] == counts[2]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("amout > 1", "amount"),
        ("amount >", ""),
        ("amount + 1", "truth"),
        ("name > 1", ""),
        ("account.credit_limt > 1", "credit_limit"),
    ],
)
def test_broken_rule_is_refused_when_it_is_published(tenant: Any, when: str, words: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(tenant, ACCOUNT, deal({"name": "broken", "when": when, "message": "x"}))
    found = [d for d in caught.value.diagnostics if d.pointer == "/validation/0/when"]
    assert found and words in found[0].message
    assert "deal" not in tenant.model().object_names
