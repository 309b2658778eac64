"""What is wrong with a formula field is told before it is published, at its place in the document and in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from formula_fields.data import formula
from support.kernel import field, obj, publish

from trellis.fields import field_types
from trellis.publishing.publisher import InvalidMetadata
from trellis.rules.checking import check_formula
from trellis.tenant import Tenant
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.language import Language

LANGUAGE = Language(field_types(), formula_checker=check_formula)
ACCOUNT = obj("account", field("name"), field("parent", "lookup", target="account"), field("size", "integer"))


def deal(*more: dict[str, Any], **document: Any) -> dict[str, Any]:
    fields = (field("name"), field("amount", "number"), field("account", "lookup", target="account"))
    return obj("deal", *fields, *more, **document)


def problems(*documents: dict[str, Any]) -> Sequence[Diagnostic]:
    return LANGUAGE.check([ACCOUNT, *documents])[1]


def told(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d.pointer, d.code) for d in problems(*documents)]


@pytest.mark.parametrize(
    ("returns", "text"),
    [
        ("number", "amount + account.size"),
        ("currency", "amount"),
        ("percent", "amount / 100"),
        ("text", "account"),
        ("text", "$org.name & name"),
        ("boolean", "ISBLANK(account.parent.parent)"),
        ("date", "TODAY() + 1"),
        ("datetime", "created_at"),
        ("time", "TIMEVALUE(created_at)"),
        ("number", "NULL"),
    ],
)
def test_every_type_that_a_formula_can_return_is_accepted(returns: str, text: str) -> None:
    assert told(deal(formula("f", returns, text))) == []


@pytest.mark.parametrize(
    ("returns", "text", "code", "caret"),
    [
        ("text", "amount", "result_type", "1:1"),
        ("number", "name", "result_type", "1:1"),
        ("date", "TODAY() = TODAY()", "result_type", "1:1"),
        ("number", "amount +\n amuont", "unknown_name", "2:2"),
        ("number", "amount + name", "operand_type", "1:8"),
        ("number", "amount +", "syntax", "1:9"),
        ("number", "f + 1", "formula_cycle", "f → deal.f"),
        ("boolean", "ISCHANGED(amount)", "not_in_field", "1:1"),
        ("boolean", "amount > 1 && ISNEW()", "not_in_field", "1:15"),
        ("number", "$old.amount", "not_in_field", "1:1"),
    ],
)
def test_what_is_wrong_is_shown_at_its_place(returns: str, text: str, code: str, caret: str) -> None:
    (found,) = problems(deal(formula("f", returns, text)))
    assert (found.document, found.pointer, found.code) == ("object/deal", "/fields/3/formula", code)
    assert caret in found.message


def test_circle_over_relations_is_told_with_its_path_at_each_of_its_members() -> None:
    account = {**ACCOUNT, "fields": [*ACCOUNT["fields"], formula("level", "number", "1 + parent.level")]}
    users = deal(formula("a", "number", "b"), formula("b", "number", "c + 1"), formula("c", "number", "a"))
    found = LANGUAGE.check([account, users, obj("x", field("d", "lookup", target="deal"), formula("y", "number", "d.a"))])[1]  # fmt: skip
    assert [(d.document, d.pointer, d.code) for d in found] == [
        ("object/account", "/fields/3/formula", "formula_cycle"),
        ("object/deal", "/fields/3/formula", "formula_cycle"),
        ("object/deal", "/fields/4/formula", "formula_cycle"),
        ("object/deal", "/fields/5/formula", "formula_cycle"),
    ]
    assert "account.level → account.level" in found[0].message
    assert "deal.a → deal.b → deal.c → deal.a" in found[1].message


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"history": True}, [("/fields/3/history", "no_effect")]),
        ({"required": True}, [("/fields/3/required", "computed_field")]),
        ({"default": "1"}, [("/fields/3/default", "computed_field")]),
        ({"unique": True}, [("/fields/3/unique", "unique_not_allowed")]),
        ({"scale": 5, "precision": 3}, [("/fields/3/scale", "bad_scale")]),
        ({"returns": "text", "formula": "name", "scale": 2}, [("/fields/3/scale", "no_effect")]),
        ({"returns": "color"}, [("/fields/3/returns", "not_allowed")]),
        ({"blanks": "none"}, [("/fields/3/blanks", "not_allowed")]),
        ({"formla": "x"}, [("/fields/3/formla", "unknown_key")]),
    ],
    ids=str,
)
def test_option_without_effect_is_refused(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = told(deal({**formula("f", "number", "amount"), **more}))
    assert [pointer for pointer, _ in found] == [pointer for pointer, _ in expected]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"unique": [{"name": "k", "fields": ["f"]}]}, "/unique/0/fields/0"),
        ({"indexes": [{"name": "k", "fields": ["f"]}]}, "/indexes/0/fields/0"),
        ({"features": {"search": ["f"]}}, "/features/search/0"),
        ({"name_field": "f"}, "/name_field"),
    ],
    ids=str,
)
def test_computed_value_cannot_be_a_key_or_searched(document: dict[str, Any], expected: str) -> None:
    assert [pointer for pointer, _ in told(deal(formula("f", "text", "name"), **document))] == [expected]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("amount > 100 && account.size > 3", []),
        ({"and": [{"formula": "amount > 100"}, {"field": "amount", "op": "is_not_blank"}]}, []),
        ("amount +", ["/filter"]),
        ("amount", ["/filter"]),
        ("ISNEW()", ["/filter"]),
        ({"not": {"formula": "ISCHANGED(amount)"}}, ["/filter/not/formula"]),
        ({"formula": 3}, ["/filter/formula"]),
        (7, ["/filter"]),
    ],
    ids=str,
)
def test_list_view_takes_formulas_as_filter(filter: Any, found: list[str]) -> None:
    view = {"kind": "list_view", "name": "v", "label": "V", "object": "deal", "columns": ["name"], "filter": filter}
    assert sorted({d.pointer for d in problems(deal(), view)}) == found


def test_field_that_others_use_cannot_be_taken_away(tenant: Tenant) -> None:
    publish(tenant, ACCOUNT, deal(formula("f", "number", "amount * 2"), formula("g", "number", "f + 1")))
    with pytest.raises(InvalidMetadata) as refused:
        publish(tenant, deal(formula("g", "number", "f + 1")))
    assert [(d.pointer, d.code) for d in refused.value.diagnostics] == [("/fields/3/formula", "unknown_name")]
