"""Conditional fields are enforced on every write, against the stored record and the record after the change."""

from __future__ import annotations

from typing import Any

import pytest
from support.kernel import ADMIN, codes, counting, create, field, obj, publish, ref, rows, write

from trellis.publishing.publisher import InvalidMetadata
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

STAGES = [{"name": "open"}, {"name": "won"}, {"name": "lost"}]


def deal(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    stage = field("stage", "picklist", options=STAGES, default="open")
    return obj("deal", field("name"), stage, field("amount", "integer"), *fields, **more)


REASON = field("reason", required_when='stage = "lost"')
LOCKED = field("terms", read_only_when='stage = "won"')
SHOWN = field("tier", visible_when="amount > 100")


def new(tenant: Tenant, **values: Any) -> int:
    return create(tenant, "deal", values)[0]


def change(tenant: Tenant, record: int, **values: Any) -> dict[str, list[str]]:
    """Change a record; return the codes of the errors by field, nothing when it was written."""
    try:
        write(tenant, lambda tx: tx.update("deal", [{"id": record, **values}]))
    except RecordsInvalid as error:
        return codes(error.errors[0])
    return {}


def refused(tenant: Tenant, **values: Any) -> dict[str, list[str]]:
    with pytest.raises(RecordsInvalid) as caught:
        new(tenant, **values)
    return codes(caught.value.errors[0])


def test_field_is_required_when_its_condition_holds_after_the_write(tenant: Tenant) -> None:
    publish(tenant, deal(REASON))
    assert refused(tenant, name="x", stage="lost") == {"reason": ["required"]}
    record = new(tenant, name="x")
    assert change(tenant, record, stage="lost") == {"reason": ["required"]}
    assert change(tenant, record, stage="lost", reason="price") == {}
    assert change(tenant, record, reason=None) == {"reason": ["required"]}
    assert change(tenant, record, reason=None, stage="open") == {}


def test_read_only_field_cannot_be_changed_before_or_after_the_condition_turns_true(tenant: Tenant) -> None:
    publish(tenant, deal(LOCKED))
    record = new(tenant, name="x", terms="a")
    assert change(tenant, record, terms="b") == {}
    assert change(tenant, record, terms="c", stage="won") == {"terms": ["read_only"]}
    assert change(tenant, record, stage="won") == {}
    assert change(tenant, record, terms="c") == {"terms": ["read_only"]}
    assert change(tenant, record, terms="c", stage="open") == {"terms": ["read_only"]}
    assert change(tenant, record, terms="b", name="same value") == {}
    assert refused(tenant, name="y", stage="won", terms="z") == {"terms": ["read_only"]}


def test_field_that_is_written_once_stays(tenant: Tenant) -> None:
    publish(tenant, deal(field("contract", read_only_when="NOT(ISBLANK(PRIORVALUE(contract)))")))
    record = new(tenant, name="x")
    assert change(tenant, record, contract="C-1") == {}
    assert change(tenant, record, contract="C-2") == {"contract": ["read_only"]}


def test_invisible_field_keeps_its_value_and_cannot_be_changed(tenant: Tenant) -> None:
    publish(tenant, deal(SHOWN))
    assert refused(tenant, name="x", amount=5, tier="gold") == {"tier": ["not_visible"]}
    record = new(tenant, name="x", amount=500, tier="gold")
    assert change(tenant, record, amount=5) == {}
    assert rows(tenant, "deal")[0]["tier"] == "gold"
    assert change(tenant, record, tier="silver") == {"tier": ["not_visible"]}
    assert change(tenant, record, tier=None) == {"tier": ["not_visible"]}
    assert change(tenant, record, tier="silver", amount=101) == {}


@pytest.mark.parametrize("also", [{"required": True}, {"required_when": "TRUE"}])
def test_invisible_field_is_not_required(tenant: Tenant, also: dict[str, Any]) -> None:
    publish(tenant, deal({**SHOWN, **also}))
    assert new(tenant, name="x", amount=1)
    assert refused(tenant, name="x", amount=101) == {"tier": ["required"]}


def test_invisible_field_gets_its_default(tenant: Tenant) -> None:
    publish(tenant, deal({**SHOWN, "default": {"formula": '"plain"'}}))
    new(tenant, name="x", amount=1)
    assert rows(tenant, "deal")[0]["tier"] == "plain"


def test_conditions_and_validation_rules_are_told_at_once(tenant: Tenant) -> None:
    rule = {"name": "negative", "when": "amount < 0", "at": "amount", "message": "Below zero"}
    publish(tenant, deal(REASON, LOCKED, validation=[rule]))
    assert refused(tenant, name="x", stage="lost", amount=-1) == {"reason": ["required"], "amount": ["negative"]}


@pytest.mark.parametrize("key", ["required_when", "visible_when", "read_only_when"])
def test_condition_that_cannot_be_evaluated_fails_closed(tenant: Tenant, key: str) -> None:
    publish(tenant, deal(field("x", **{key: "1 / amount > 1"})))
    record = new(tenant, name="x", amount=5, **({"x": "v"} if key == "required_when" else {}))
    if key == "required_when":
        assert change(tenant, record, amount=0, x=None) == {"x": ["rule_error"]}
    else:
        assert change(tenant, record, amount=0, x="w") == {"x": ["rule_error"]}
    assert change(tenant, record, amount=0) == {}


def test_partial_mode_judges_row_by_row(tenant: Tenant) -> None:
    publish(tenant, deal(REASON))
    given = [{"name": "1"}, {"name": "2", "stage": "lost"}, {"name": "3", "stage": "lost", "reason": "price"}]
    made = write(tenant, lambda tx: tx.create("deal", given, mode="partial"))
    assert [o.action for o in made] == ["created", "refused", "created"]
    assert codes(made[1].errors) == {"reason": ["required"]}


def test_migration_keeps_what_was_but_not_what_is_missing(tenant: Tenant) -> None:
    publish(tenant, deal(REASON, LOCKED))
    stored = {"name": "old", "stage": "won", "terms": "as agreed in 2019"}
    write(tenant, lambda tx: tx.create("deal", [stored]), migration=True)
    assert rows(tenant, "deal")[0]["terms"] == "as agreed in 2019"
    with pytest.raises(RecordsInvalid):
        write(tenant, lambda tx: tx.create("deal", [{"name": "old", "stage": "lost"}]), migration=True)


@pytest.mark.parametrize("key", ["required_when", "visible_when", "read_only_when"])
@pytest.mark.parametrize(("formula", "words"), [("amont > 1", "'amount'"), ("amount", "truth value"), ("(", "early")])
def test_broken_condition_is_refused_with_its_place(tenant: Tenant, key: str, formula: str, words: str) -> None:
    with pytest.raises(InvalidMetadata) as caught:
        publish(tenant, deal(field("x", **{key: formula})))
    found = [d for d in caught.value.diagnostics if d.pointer == f"/fields/3/{key}"]
    assert found and words in found[0].message


def test_condition_over_a_relation_is_read_once_for_the_batch(tenant: Tenant) -> None:
    account = obj("account", field("name"), field("strict", "boolean"))
    lookup = field("account", "lookup", target="account", relationship="deals")
    publish(tenant, account, deal(lookup, field("x", required_when="account.strict", read_only_when="account.strict")))
    strict = [
        ref(tenant, "account", i)
        for i in create(tenant, "account", *({"name": f"A{i}", "strict": i == 3} for i in range(30)))
    ]
    counts = []
    for size in (2, 3, 30):
        with counting(tenant) as seen:
            given = [{"name": f"D{i}", "account": strict[i]} for i in range(size)]
            made = write(tenant, lambda tx, given=given: tx.create("deal", given, mode="partial"))
        counts.append(len(seen))
    assert counts[1] == counts[2]
    assert [i for i, o in enumerate(made) if o.action == "refused"] == [3]
    assert ADMIN.admin
