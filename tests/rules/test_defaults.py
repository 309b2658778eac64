"""Defaults by formula: what new records get, in which order, from what the writer may read."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import ADMIN, counting, create, field, obj, person, publish, ref, rows, write

from trellis.access import Principal
from trellis.access.accounts import create_user
from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

ACCOUNT = obj(
    "account",
    field("name", required=True),
    field("city"),
    field("credit", "currency"),
    field("parent", "lookup", target="account", relationship="children"),
    sharing={"default": "private"},
)
OPTIONS = [{"name": "small"}, {"name": "big"}]


def by(formula: str) -> dict[str, str]:
    return {"formula": formula}


def deal(*fields: dict[str, Any]) -> dict[str, Any]:
    return obj("deal", field("name"), field("account", "lookup", target="account", relationship="deals"), *fields)


def made(tenant: Tenant, *given: dict[str, Any], principal: Principal = ADMIN) -> list[dict[str, Any]]:
    ids = create(tenant, "deal", *given, principal=principal)
    found = {r["id"]: r for r in rows(tenant, "deal")}
    return [found[ref(tenant, "deal", i)] for i in ids]


CASES = [
    (field("x", "date", default=by("TODAY() + 30")), "2026-12-22"),
    (field("x", "datetime", default=by("NOW()")), "2026-11-22T08:00:00Z"),
    (field("x", default=by('UPPER(name) & "!"')), "ADA!"),
    (field("x", "number", scale=2, default=by("10 / 3")), "3.33"),
    (field("x", "integer", default=by("LEN(name)")), 3),
    (field("x", "percent", default=by("0.125")), "12.50"),
    (field("x", "currency", default=by("1234.565")), {"amount": "1234.57", "currency": "CNY"}),
    (field("x", "boolean", default=by('name = "Ada"')), True),
    (field("x", "picklist", options=OPTIONS, default=by('IF(LEN(name) > 5, "big", "small")')), "small"),
    (field("x", "duration", default=by("90")), "PT1M30S"),
    (field("x", default=by("$org.currency")), "CNY"),
    (field("x", "time", default=by('TIMEVALUE("08:30:00.000")')), "08:30:00"),
]


@pytest.mark.parametrize(
    ("made_field", "expected"), CASES, ids=lambda c: c["type"] if isinstance(c, dict) and "type" in c else ""
)
def test_field_of_a_type_gets_the_value_of_its_formula(
    tenant: Tenant, made_field: dict[str, Any], expected: Any
) -> None:
    publish(tenant, ACCOUNT, deal(made_field))
    assert made(tenant, {"name": "Ada"})[0]["x"] == expected


def test_default_reads_the_user_who_writes(tenant: Tenant) -> None:
    user = create_user(tenant, login="bob", name="Bob")
    publish(tenant, ACCOUNT, deal(field("by", default=by("$user.name")), field("for", "user", default=by("$user.id"))))
    found = made(tenant, {"name": "x"}, principal=person(tenant, user, "Bob"))[0]
    assert (found["by"], found["for"]) == ("Bob", ref(tenant, "user", user))


def test_given_value_and_given_null_stand_against_the_default(tenant: Tenant) -> None:
    publish(tenant, ACCOUNT, deal(field("city", default=by("account.city"))))
    account = ref(tenant, "account", create(tenant, "account", {"name": "A", "city": "Suzhou"})[0])
    found = made(
        tenant,
        {"name": "1", "account": account},
        {"name": "2", "account": account, "city": "Wuxi"},
        {"name": "3", "account": account, "city": None},
        {"name": "4"},
    )
    assert [r["city"] for r in found] == ["Suzhou", "Wuxi", None, None]


def test_default_reads_other_defaults_whatever_their_order(tenant: Tenant) -> None:
    publish(
        tenant,
        ACCOUNT,
        deal(
            field("c", "integer", default=by("b * 2")),
            field("b", "integer", default=by("a + 1")),
            field("a", "integer", default=4),
        ),
    )
    found = made(tenant, {"name": "x"}, {"name": "y", "b": 50})
    assert [(r["a"], r["b"], r["c"]) for r in found] == [(4, 5, 10), (4, 50, 100)]


def test_blank_number_gives_a_blank_default_and_no_zero(tenant: Tenant) -> None:
    publish(tenant, ACCOUNT, deal(field("a", "integer"), field("b", "integer", default=by("a * 2"))))
    assert made(tenant, {"name": "x"})[0]["b"] is None


def test_change_of_a_record_gets_no_default(tenant: Tenant) -> None:
    publish(tenant, ACCOUNT, deal(field("city", default=by('"Suzhou"'))))
    record = create(tenant, "deal", {"name": "x", "city": None})[0]
    write(tenant, lambda tx: tx.update("deal", [{"id": record, "name": "y"}]))
    assert rows(tenant, "deal")[0]["city"] is None


def test_circle_of_defaults_is_refused_with_its_path(tenant: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(
            tenant,
            ACCOUNT,
            deal(
                field("a", default=by("b")),
                field("b", default=by("c")),
                field("c", default=by("a")),
                field("d", default=by("a")),
            ),
        )
    found = {d.pointer: d.message for d in caught.value.diagnostics if d.code == "default_cycle"}
    assert set(found) == {f"/fields/{i}/default/formula" for i in (2, 3, 4)}
    assert "a → b → c → a" in found["/fields/2/default/formula"]


@pytest.mark.parametrize(
    ("kind", "formula", "code", "words"),
    [
        ("date", "name", "default_type", "takes a date"),
        ("text", "1 + 1", "default_type", "takes a text"),
        ("json", '"x"', "default_type", "cannot have a formula"),
        ("text", "nmae", "unknown_name", "'name'"),
        ("text", "IF(", "syntax", "too early"),
        ("boolean", "ISNEW()", "default_of_change", "earlier"),
        ("text", "$old.name", "default_of_change", "earlier"),
    ],
)
def test_default_that_does_not_fit_is_refused(tenant: Tenant, kind: str, formula: str, code: str, words: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(tenant, ACCOUNT, deal(field("x", kind, default=by(formula))))
    found = {d.code: d for d in caught.value.diagnostics}
    assert words in found[code].message and found[code].pointer == "/fields/2/default/formula"


def test_option_that_does_not_exist_is_refused(tenant: Tenant) -> None:
    with pytest.raises(InvalidMetadata, match="Did you mean 'small'"):
        publish(tenant, ACCOUNT, deal(field("x", "picklist", options=OPTIONS, default=by('"smal"'))))


def test_default_of_a_computed_field_is_refused(tenant: Tenant) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(
            tenant, ACCOUNT, deal(field("x", "auto_number", format="{000}", default=by('"x"'), read_only_when="TRUE"))
        )
    assert {d.pointer for d in caught.value.diagnostics if d.code == "computed_field"} == {
        "/fields/2/default",
        "/fields/2/read_only_when",
    }


def test_default_that_cannot_be_worked_out_or_does_not_fit_is_told_at_the_field(tenant: Tenant) -> None:
    publish(
        tenant,
        ACCOUNT,
        deal(
            field("n", "integer"),
            field("x", "number", scale=2, default=by("1 / n")),
            field("y", max_length=3, default=by("name")),
        ),
    )
    with pytest.raises(RecordsInvalid) as caught:
        create(tenant, "deal", {"name": "long", "n": 0}, {"name": "ok", "n": 0, "x": "1"})
    errors = caught.value.errors
    assert {k: v[0]["code"] for k, v in errors[0].items()} == {"x": "default_error", "y": "default_error"}
    assert "Division by zero" in errors[0]["x"][0]["message"] and errors[1] is None


def test_default_shows_nothing_of_a_record_that_the_writer_may_not_read(tenant: Tenant) -> None:
    """The lookup's record may be read, its parent may not: what stands behind it is blank."""
    bob = create_user(tenant, login="bob", name="Bob")
    writer = person(tenant, bob, "Bob")
    publish(tenant, ACCOUNT, deal(field("city", default=by("account.parent.city"))))
    secret = create(tenant, "account", {"name": "S", "city": "Secret", "owner": None})[0]
    mine = create(
        tenant, "account", {"name": "M", "parent": ref(tenant, "account", secret), "owner": ref(tenant, "user", bob)}
    )[0]
    given = {"name": "x", "account": ref(tenant, "account", mine)}
    assert made(tenant, given)[0]["city"] == "Secret"
    assert made(tenant, given, principal=writer)[0]["city"] is None


def test_related_records_are_read_once_for_the_batch(tenant: Tenant) -> None:
    publish(tenant, ACCOUNT, deal(field("city", default=by("account.city"))))
    accounts = [ref(tenant, "account", i) for i in create(tenant, "account", *({"name": f"A{i}"} for i in range(30)))]
    counts = []
    for size in (2, 4, 30):  # the first run compiles and reserves
        with counting(tenant) as seen:
            create(tenant, "deal", *({"name": f"D{i}", "account": accounts[i]} for i in range(size)))
        counts.append(len(seen))
    assert counts[1] == counts[2]
