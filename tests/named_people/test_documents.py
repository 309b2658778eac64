"""Rules that name people are refused where they are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata import named_people
from trellis_metadata.language import Language

from .worlds import DOCUMENTS

LANGUAGE = Language(field_types(), system={"user": {"name": "text", "login": "text"}}, formula_checker=check_formula)


def judged(rule: dict[str, Any], owner: str | None = "deal") -> list[tuple[str, str]]:
    snapshot, found = LANGUAGE.check(DOCUMENTS)
    assert snapshot is not None, found
    context = LANGUAGE.context(snapshot)
    return [(d.code, d.pointer) for d in named_people.check([rule], owner, "/who", context)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"role": "boss"}, []),
        ({"role": "boss", "group": "committee"}, [("one_way", "/who/0")]),
        ({"levels": 2}, [("one_way", "/who/0")]),
        ({"role": "boss", "levels": 2}, [("no_effect", "/who/0/levels")]),
        ({"field": "owner", "within": "branches"}, [("no_effect", "/who/0/within")]),
        ({"head_of": "branches.east", "of": "owner"}, [("no_effect", "/who/0/of")]),
        ({"role": "boss", "as": "role"}, [("no_effect", "/who/0/as")]),
        ({"manager_of": "owner", "levels": 0}, [("out_of_range", "/who/0/levels")]),
        ({"head_of": "branches.north"}, [("unknown_unit", "/who/0/head_of")]),
        ({"field": "name"}, [("not_a_person", "/who/0/field")]),
        ({"manager_of": "account.name"}, [("not_a_person", "/who/0/manager_of")]),
        ({"field": "account.keeper"}, []),
        ({"field": "created_by"}, []),
        ({"formula": 'LOOKUP("approvers", amount)', "as": "role"}, []),
        ({"formula": "amount > 1"}, [("default_type", "/who/0/formula")]),
        ({"formula": "amoun"}, [("unknown_name", "/who/0/formula")]),
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused(rule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert judged(rule) == expected


def test_without_a_record_nothing_can_be_read_from_it() -> None:
    assert judged({"field": "owner"}, None) == [("no_record", "/who/0/field")]
    assert judged({"formula": '"ann"'}, None) == [("no_record", "/who/0/formula")]
    assert judged({"manager_of": "$user"}, None) == []


def test_references_name_documents_and_fields() -> None:
    rules = [{"role": "boss", "within": "branches"}, {"head_of": "branches.east"}, {"manager_of": "account.owner"}]
    found = [(r.pointer, r.kind, r.name, r.field) for r in named_people.references(rules, "deal", "/who")]
    assert found == [
        ("/who/0/role", "role", "boss", None),
        ("/who/0/within", "org_unit_tree", "branches", None),
        ("/who/1/head_of", "org_unit_tree", "branches", None),
        ("/who/2/manager_of", "object", "deal", "account.owner"),
    ]
