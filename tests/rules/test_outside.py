"""Rules that read besides their record: exchange rates, records by key, the organisation, the record before the change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.kernel import ADMIN, codes, counting, create, field, obj, person, publish, ref, rows, write

from trellis.access import Principal
from trellis.access.accounts import create_user
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

CITY = obj(
    "city",
    field("code", unique=True),
    field("name"),
    field("next", unique=True),
    field("share", "percent"),
    field("people", "integer"),
    sharing={"default": "private"},
)


def by(formula: str) -> dict[str, str]:
    return {"formula": formula}


def visit(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return obj("visit", field("name"), field("code"), field("amount", "number", scale=4), *fields, **more)


def one(tenant: Tenant, principal: Principal = ADMIN, **values: Any) -> dict[str, Any]:
    number = create(tenant, "visit", values, principal=principal)[0]
    return next(r for r in rows(tenant, "visit") if r["id"] == ref(tenant, "visit", number))


def refused(tenant: Tenant, *given: dict[str, Any]) -> list[Any]:
    with pytest.raises(RecordsInvalid) as caught:
        create(tenant, "visit", *given)
    return [codes(e) for e in caught.value.errors]


def test_record_is_found_by_its_unique_key_letter_case_aside(tenant: Tenant) -> None:
    shown = field("city", default=by("VLOOKUP($object.city.name, $object.city.code, code)"))
    share = field("share", "percent", default=by("VLOOKUP($object.city.share, $object.city.code, code) / 2"))
    publish(tenant, CITY, visit(shown, share))
    create(tenant, "city", {"code": "SZ", "name": "Suzhou", "share": "50"})
    made = one(tenant, name="x", code="sz")
    assert (made["city"], made["share"]) == ("Suzhou", "25.00")
    assert one(tenant, name="x", code="XX")["city"] is None
    assert one(tenant, name="x")["city"] is None


def test_key_may_come_from_another_lookup(tenant: Tenant) -> None:
    inner = "VLOOKUP($object.city.next, $object.city.code, code)"
    publish(tenant, CITY, visit(field("city", default=by(f"VLOOKUP($object.city.name, $object.city.code, {inner})"))))
    create(tenant, "city", {"code": "A", "next": "B"}, {"code": "B", "name": "Second"})
    assert one(tenant, code="A")["city"] == "Second"


def test_records_are_found_with_one_query_for_the_batch(tenant: Tenant) -> None:
    publish(tenant, CITY, visit(field("city", default=by("VLOOKUP($object.city.name, $object.city.code, code)"))))
    create(tenant, "city", *({"code": f"C{i}", "name": f"City {i}"} for i in range(30)))
    counts = []
    for size in (2, 4, 30):
        with counting(tenant) as seen:
            create(tenant, "visit", *({"name": "x", "code": f"C{i}"} for i in range(size)))
        counts.append(len(seen))
    assert counts[1] == counts[2]
    assert rows(tenant, "visit")[-1]["city"] == "City 29"


def test_default_finds_no_record_that_the_writer_may_not_read_but_a_rule_does(tenant: Tenant) -> None:
    lookup = "VLOOKUP($object.city.people, $object.city.code, code)"
    rule = {"name": "crowded", "when": f"{lookup} > 100", "message": "Too crowded", "at": "code"}
    publish(tenant, CITY, visit(field("people", "integer", default=by(lookup)), validation=[rule]))
    create(tenant, "city", {"code": "S", "people": 7}, {"code": "L", "people": 700})
    bob = person(tenant, create_user(tenant, login="bob", name="Bob"), "Bob")
    assert one(tenant, code="S")["people"] == 7
    assert one(tenant, bob, code="S")["people"] is None
    with pytest.raises(RecordsInvalid) as caught:
        create(tenant, "visit", {"code": "L"}, principal=bob)
    assert codes(caught.value.errors[0]) == {"code": ["crowded"]}


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("VLOOKUP($object.city.name, $object.city.name, code)", "not unique"),
        ("VLOOKUP(name, $object.city.code, code)", "another object"),
        ("VLOOKUP($object.city.name, $object.visit.code, code)", "one object"),
        ("VLOOKUP($object.city.name, $object.city.code, amount)", "The key is a text"),
        ("VLOOKUP($object.city.nam, $object.city.code, code)", "Did you mean '$object.city.name'"),
        ("$object.city.name", "use it in VLOOKUP"),
        ("$object.city.name & code", "use it in VLOOKUP"),
    ],
)
def test_wrong_vlookup_is_refused(tenant: Tenant, formula: str, words: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(tenant, CITY, visit(field("x", default=by(formula))))
    assert any(words in d.message for d in caught.value.diagnostics)


def test_default_shows_nothing_of_a_field_that_the_writer_may_not_read(tenant: Tenant) -> None:
    """Neither of a related record nor of one that VLOOKUP finds, nor of the new record itself."""
    rights = {
        "kind": "permission_set",
        "name": "visits",
        "label": "Visits",
        "objects": [
            {
                "name": "city",
                "rights": ["read", "view_all"],
                "default_field": "read",
                "fields": [{"name": "people", "access": "none"}],
            },
            {"name": "visit", "rights": ["create", "read", "edit"], "fields": [{"name": "cost", "access": "none"}]},
        ],
    }
    publish(
        tenant,
        CITY,
        visit(
            field("place", "lookup", target="city", relationship="visits"),
            field("a", "integer", default=by("place.people")),
            field("b", "integer", default=by("VLOOKUP($object.city.people, $object.city.code, code)")),
            field("cost", "integer", default=7),
            field("c", "integer", default=by("cost * 2")),
            sharing={"default": "edit"},
        ),
        rights,
    )
    place = ref(tenant, "city", create(tenant, "city", {"code": "S", "people": 7})[0])
    assert [one(tenant, code="S", place=place)[n] for n in "abc"] == [7, 7, 14]
    bob = person(tenant, create_user(tenant, login="bob", name="Bob"), "Bob", "visits")
    assert [one(tenant, bob, code="S", place=place)[n] for n in "abc"] == [None, None, None]


@pytest.mark.parametrize(
    "call", ['CONVERT(amount, "USD", "CNY")', "VLOOKUP($object.city.people, $object.city.code, code)"]
)
def test_formula_field_that_reads_besides_its_record_is_refused_by_name(tenant: Tenant, call: str) -> None:
    with pytest.raises(InvalidMetadata, match="reads besides its record"):
        publish(tenant, CITY, visit(field("x", "formula", returns="number", formula=call)))


def test_uses_of_a_field_and_a_table_are_found_in_conditions_and_defaults(tenant: Tenant) -> None:
    from trellis.publishing.where_used import where_used

    table = {
        "kind": "decision_table",
        "name": "limits",
        "label": "Limits",
        "keys": [{"name": "code", "type": "text"}],
        "values": [{"name": "limit", "type": "number"}],
        "rows": [{"name": "z", "then": {"limit": 1}}],
    }
    fields = [field("x", "integer", default=by('LOOKUP("limits", code)'), visible_when="amount > 1")]
    publish(tenant, table, visit(*fields))
    snapshot = tenant.model().snapshot
    found = where_used(tenant.language, snapshot, "decision_table", "limits")
    assert [u.pointer for u in found] == ["/fields/3/default/formula"]
    found = where_used(tenant.language, snapshot, "object", "visit", "amount")
    assert [u.pointer for u in found] == ["/fields/3/visible_when"]


def rate(tenant: Tenant, currency: str, day: date, value: str) -> None:
    with tenant.database.writing() as connection:
        tenant.rates.set(connection, currency, day, Decimal(value))


def test_amount_is_converted_at_the_rate_of_its_date(tenant: Tenant) -> None:
    publish(
        tenant,
        visit(
            field("on", "date"),
            field("then", "number", scale=4, default=by('CONVERT(amount, "USD", "CNY", on)')),
            field("now", "number", scale=4, default=by('CONVERT(amount, "USD", $org.currency)')),
            field("rate", "number", scale=4, default=by('CURRENCYRATE("usd")')),
        ),
    )
    rate(tenant, "USD", date(2026, 1, 1), "7")
    rate(tenant, "USD", date(2026, 7, 1), "7.2")
    made = one(tenant, amount="10", on="2026-06-30")
    assert [made[n] for n in ("then", "now", "rate")] == ["70.0000", "72.0000", "7.2000"]
    with pytest.raises(RecordsInvalid, match="no exchange rate for USD on 2025-12-31"):
        one(tenant, amount="10", on="2025-12-31")


def test_rates_are_read_once_for_the_batch(tenant: Tenant) -> None:
    publish(tenant, visit(field("x", "number", scale=4, default=by('CONVERT(amount, "USD", "CNY")'))))
    rate(tenant, "USD", date(2026, 1, 1), "7")
    counts = []
    for size in (2, 4, 30):
        with counting(tenant) as seen:
            create(tenant, "visit", *({"amount": i} for i in range(size)))
        counts.append(len(seen))
    assert counts[1] == counts[2]


def test_rule_compares_with_the_record_before_the_change(tenant: Tenant) -> None:
    rule = {"name": "down", "when": "AND(NOT(ISNEW()), amount < $old.amount)", "message": "Never down", "at": "amount"}
    publish(tenant, visit(validation=[rule]))
    number = create(tenant, "visit", {"amount": "5"})[0]
    write(tenant, lambda tx: tx.update("visit", [{"id": number, "amount": "6"}]))
    with pytest.raises(RecordsInvalid) as caught:
        write(tenant, lambda tx: tx.update("visit", [{"id": number, "amount": "5.5"}]))
    assert codes(caught.value.errors[0]) == {"amount": ["down"]}


def test_decision_table_answers_in_rules_and_its_change_counts_at_once(tenant: Tenant) -> None:
    def table(limit: str) -> dict[str, Any]:
        return {
            "kind": "decision_table",
            "name": "limits",
            "label": "Limits",
            "keys": [{"name": "code", "type": "text"}],
            "values": [{"name": "limit", "type": "number"}],
            "rows": [
                {"name": "a", "when": {"code": "A"}, "then": {"limit": limit}},
                {"name": "z", "then": {"limit": 1}},
            ],
        }

    rule = {"name": "limit", "when": 'amount > LOOKUP("limits", code)', "message": "Too much", "at": "amount"}
    publish(tenant, table("10"), visit(validation=[rule]))
    assert refused(tenant, {"code": "A", "amount": "11"}, {"code": "B", "amount": "2"}) == [{"amount": ["limit"]}] * 2
    publish(tenant, table("20"))
    assert one(tenant, code="A", amount="11")


def test_table_that_a_rule_needs_cannot_be_removed(tenant: Tenant) -> None:
    table = {
        "kind": "decision_table",
        "name": "limits",
        "label": "Limits",
        "keys": [{"name": "code", "type": "text"}],
        "values": [{"name": "limit", "type": "number"}],
        "rows": [{"name": "z", "then": {"limit": 1}}],
    }
    rule = {"name": "limit", "when": 'amount > LOOKUP("limits", code)', "message": "Too much"}
    publish(tenant, table, visit(validation=[rule]))
    with pytest.raises(InvalidMetadata, match="no decision table 'limits'"):
        publish(tenant, removed=[("decision_table", "limits")])


def test_restored_record_is_judged_at_its_next_change(tenant: Tenant) -> None:
    publish(tenant, visit())
    number = create(tenant, "visit", {"name": "x", "amount": "-1"})[0]
    write(tenant, lambda tx: tx.delete("visit", [number]))
    publish(tenant, visit(validation=[{"name": "low", "when": "amount < 0", "message": "Below zero"}]))
    assert [o.action for o in write(tenant, lambda tx: tx.restore("visit", [number]))] == ["restored"]
    with pytest.raises(RecordsInvalid):
        write(tenant, lambda tx: tx.update("visit", [{"id": number, "name": "y"}]))


def test_partial_write_tells_each_row_its_rules_and_writes_the_others(tenant: Tenant) -> None:
    rule = {"name": "low", "when": "amount < 0", "message": "Below zero"}
    publish(tenant, visit(validation=[rule]))
    made = write(tenant, lambda tx: tx.create("visit", [{"amount": "1"}, {"amount": "-1"}], mode="partial"))
    assert [(o.action, codes(o.errors)) for o in made] == [("created", {}), ("refused", {"_record": ["low"]})]


def test_message_comes_from_a_translation_document(tenant: Tenant) -> None:
    translation = {
        "kind": "translation",
        "name": "visit_zh",
        "language": "zh",
        "texts": {"object.visit.validation.low.message": "不能为负"},
    }
    rule = {"name": "low", "when": "amount < 0", "message": "Below zero"}
    publish(tenant, visit(validation=[rule]), translation)
    chinese = Principal("person", None, "陈思远", admin=True, language="zh")
    with pytest.raises(RecordsInvalid, match="不能为负"):
        create(tenant, "visit", {"amount": "-1"}, principal=chinese)
    with pytest.raises(RecordsInvalid, match="Below zero"):
        create(tenant, "visit", {"amount": "-1"})
